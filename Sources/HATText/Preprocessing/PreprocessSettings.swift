import HATRandom
import HATStorage

/// Everything besides the input that decides what preprocessing writes.
public struct PreprocessSettings: Sendable, Equatable {
  public var splitter: WordSplitter
  /// Where the text is in a JSON object or a Parquet file: `text`, or `a.b`. Nil is `text`, or, in a Parquet file without it,
  /// `content`.
  public var field: String?
  /// Fields and columns that are kept as metadata besides `DocumentMetadata.usualFields`.
  public var keep: [String] = []
  public var invalidText = InvalidTextPolicy.error
  /// The share of documents kept from training, 0 to below 1.
  public var holdout = 0.01
  /// About how much input makes a shard.
  public var shardBytes = 64 << 20
  /// Of zstd.
  public var level = 3
  /// What divides a .txt file into documents; nil makes a file one document.
  public var documentSeparator: String?
  /// Of which documents only the first is kept; nil keeps all.
  public var deduplicate: DuplicateRule?
  /// Which documents are kept.
  public var filters = DocumentFilters()

  public init(splitter: WordSplitter) {
    self.splitter = splitter
  }

  /// - Throws: `UserError` of kind `wrongUsage`.
  func validate() throws {
    try require(0..<1 ~= holdout, "holdout", "\(holdout) is not a share of the documents", "0 to below 1")
    try require(ZstdCompressor.levels ~= level, "level", "\(level) is not a compression level", "1 to 19")
    try require(
      1 << 10...1 << 40 ~= shardBytes, "shardBytes", "\(shardBytes) bytes is not a possible size of a shard",
      "1KiB to 1TiB, such as 64MiB")
    try require(
      splitter.hasWordLimit, "maximumWordBytes", "a corpus needs a limit",
      "up to \(WordSplitter.wordLimits.upperBound)")
    try require(
      documentSeparator?.isEmpty != true, "documentSeparator", "it is empty", "the text between documents")
    _ = try JSONDocumentReader.path(toField: jsonField)
    try require(
      keep.allSatisfy { 1...DocumentMetadata.longestName ~= $0.utf8.count }, "keep",
      "a name in it is empty or too long", "names of 1 to \(DocumentMetadata.longestName) bytes")
    try filters.validate()
  }

  /// Where the text is in a JSON object.
  var jsonField: String { field ?? "text" }

  /// What is kept of a document besides its text, where it is there.
  var keptFields: Set<String> { Set(DocumentMetadata.usualFields + keep) }

  /// What is read of a document besides its text: what is kept, and what filters look at. In the order of shards.
  var readFields: [String] {
    keptFields.union(filters.fields).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Those of them that may be numbers and truth values, and that a Parquet file must have. For a `source` that is not there,
  /// the name of the file is used.
  var wantedFields: Set<String> { Set(keep + filters.fields.filter { $0 != "source" }) }

  var arePossible: Bool { (try? validate()) != nil }

  private func require(_ holds: Bool, _ setting: String, _ problem: String, _ range: String) throws {
    guard holds else { throw UserError(.wrongUsage, at: "`\(setting)`", problem, hint: "Give \(range).") }
  }

  /// What divides a file into records; nil makes it one.
  func delimiter(of format: InputFile.Format) -> [UInt8]? {
    switch format {
    case .jsonLines: [0x0A]
    case .text: documentSeparator.map { Array($0.utf8) }
    case .parquet: nil
    }
  }

  /// What changed from `old` to these settings, a sentence part each.
  func changes(from old: PreprocessSettings) -> [String] {
    zip(old.values, values).filter { $0.value != $1.value }
      .map { "`\($0.name)` was \($0.value) and is now \($1.value)" }
  }

  private var values: [(name: String, value: String)] {
    [
      ("rule", splitter.rule.versionedName), ("maximumWordBytes", "\(splitter.maximumWordBytes)"),
      ("field", jsonField), ("keep", keep.isEmpty ? "none" : keep.joined(separator: ",")),
      ("invalidText", invalidText.rawValue), ("holdout", "\(holdout)"),
      ("shardBytes", "\(shardBytes)"), ("level", "\(level)"),
      ("documentSeparator", documentSeparator.map { "\"\($0)\"" } ?? "none"),
      ("deduplicate", deduplicate?.rawValue ?? "off"),
    ] + filters.values
  }
}

extension PreprocessSettings: Codable {
  private enum CodingKeys: CodingKey {
    case rule, maxWordBytes, field, keep, invalidText, holdout, shardBytes, level, documentSeparator,
      deduplicate, filters
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let rule = try SplittingRule(versionedName: values.decode(String.self, forKey: .rule))
    let limit = try values.decode(Int.self, forKey: .maxWordBytes)
    guard let splitter = try? WordSplitter(rule, maximumWordBytes: limit) else {
      throw DecodingError.dataCorruptedError(
        forKey: .maxWordBytes, in: values, debugDescription: "\(limit) is no word limit for \(rule.name)")
    }
    self.splitter = splitter
    field = try values.decodeIfPresent(String.self, forKey: .field)
    keep = try values.decodeIfPresent([String].self, forKey: .keep) ?? []
    invalidText = try values.decode(InvalidTextPolicy.self, forKey: .invalidText)
    holdout = try values.decode(Double.self, forKey: .holdout)
    shardBytes = try values.decode(Int.self, forKey: .shardBytes)
    level = try values.decode(Int.self, forKey: .level)
    documentSeparator = try values.decodeIfPresent(String.self, forKey: .documentSeparator)
    deduplicate = try DuplicateRule.decode(from: values, forKey: .deduplicate)
    filters = try values.decodeIfPresent(DocumentFilters.self, forKey: .filters) ?? DocumentFilters()
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(splitter.rule.versionedName, forKey: .rule)
    try values.encode(splitter.maximumWordBytes, forKey: .maxWordBytes)
    try values.encodeIfPresent(field, forKey: .field)
    if !keep.isEmpty { try values.encode(keep, forKey: .keep) }
    try values.encode(invalidText, forKey: .invalidText)
    try values.encode(holdout, forKey: .holdout)
    try values.encode(shardBytes, forKey: .shardBytes)
    try values.encode(level, forKey: .level)
    try values.encodeIfPresent(documentSeparator, forKey: .documentSeparator)
    try DuplicateRule.encode(deduplicate, to: &values, forKey: .deduplicate)
    if filters != DocumentFilters() { try values.encode(filters, forKey: .filters) }
  }
}

/// Chooses the documents that are kept from training by their content, so that equal documents are on the
/// same side, in this corpus and in every other.
struct HoldoutRule: Sendable {
  /// Documents whose hash is below it are held out.
  private let threshold: UInt64

  /// - Parameter share: 0 to below 1.
  init(share: Double) {
    precondition(0..<1 ~= share)
    threshold = UInt64(share * 0x1p64)
  }

  func part(ofTextWith checksum: Checksum) -> CorpusPart {
    RandomSource.mix(checksum.value ^ Self.seed) < threshold ? .holdout : .train
  }

  /// Any number would do, but it may never change: a corpus made later must not train on this one's holdout.
  private static let seed: UInt64 = 0x686F_6C64_6F75_7421
}
