import HATStorage

/// Everything besides the input that decides what preprocessing writes.
public struct PreprocessSettings: Sendable, Equatable {
  public var splitter: WordSplitter
  /// What is made of a line of JSON.
  public var documents = DocumentKind.text
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
    if documents != .text { try validateForDialogues() }
    try require(
      keep.allSatisfy { 1...DocumentMetadata.longestName ~= $0.utf8.count }, "keep",
      "a name in it is empty or too long", "names of 1 to \(DocumentMetadata.longestName) bytes")
    try filters.validate()
  }

  /// Refuses what says how text is found, or how texts are compared.
  private func validateForDialogues() throws {
    func refuse(_ isSet: Bool, _ setting: String, _ problem: String, _ hint: String) throws {
      guard isSet else { return }
      throw UserError(.wrongUsage, at: "`\(setting)`", "of \(documents.rawValue) \(problem)", hint: hint)
    }
    try refuse(
      field != nil, "field", "the fields have fixed names",
      "Leave `field` out; the lines need the field \"\(documents == .dialogues ? "messages" : "chosen")\".")
    try refuse(
      documentSeparator != nil, "documentSeparator", "each is a line of JSON, and nothing separates them",
      "Leave `documentSeparator` out.")
    try refuse(
      deduplicate == .near, "deduplicate",
      "near duplicates are not looked for, because all have marks in common",
      "Use `deduplicate` exact, or leave it out.")
  }

  /// Where the text is in a JSON object; for dialogues, what they cannot be without.
  var jsonField: String {
    switch documents {
    case .text: field ?? "text"
    case .dialogues: "messages"
    case .preferences: "chosen"
    }
  }

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
      ("documents", documents.rawValue), ("rule", splitter.rule.versionedName),
      ("maximumWordBytes", "\(splitter.maximumWordBytes)"),
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
    case documents, rule, maxWordBytes, field, keep, invalidText, holdout, shardBytes, level,
      documentSeparator,
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
    documents = try values.decodeIfPresent(DocumentKind.self, forKey: .documents) ?? .text
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
    if documents != .text { try values.encode(documents, forKey: .documents) }
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
