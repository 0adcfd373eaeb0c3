import HATStorage

/// Everything besides the input that decides what preprocessing writes.
public struct PreprocessSettings: Sendable, Equatable {
  public var splitter: WordSplitter
  /// Where the text is in a JSON object: `text`, or `a.b`.
  public var field = "text"
  public var invalidText = InvalidTextPolicy.error
  /// The share of documents kept from training, 0 to below 1.
  public var holdout = 0.01
  /// About how much input makes a shard.
  public var shardBytes = 64 << 20
  /// Of zstd.
  public var level = 3
  /// What divides a .txt file into documents; nil makes a file one document.
  public var documentSeparator: String?
  /// Whether of documents with the same text only the first is kept.
  public var deduplicate = false

  public init(splitter: WordSplitter) {
    self.splitter = splitter
  }

  /// - Throws: `UserError` of kind `wrongUsage`.
  func validate() throws {
    try require(0..<1 ~= holdout, "--holdout", "\(holdout) is not a share of the documents", "0 to below 1")
    try require(
      ZstdCompressor.levels ~= level, "--level", "\(level) is not a compression level", "1 to 19")
    try require(
      1 << 10...1 << 40 ~= shardBytes, "--shard-bytes", "\(shardBytes) bytes are no size for a shard",
      "1KiB to 1TiB, such as 64MiB")
    try require(
      splitter.maximumWordBytes <= WordSplitter.largestWordLimit, "--max-word-bytes",
      "\(splitter.maximumWordBytes) is too large", "up to \(WordSplitter.largestWordLimit)")
    try require(
      documentSeparator?.isEmpty != true, "--document-separator", "it is empty", "the text between documents")
    _ = try JSONFieldPath(parsing: field)
  }

  private func require(_ holds: Bool, _ option: String, _ problem: String, _ range: String) throws {
    guard holds else { throw UserError(.wrongUsage, at: option, problem, hint: "Give \(range).") }
  }
}

extension PreprocessSettings {
  /// What divides a file into records; nil makes it one.
  func delimiter(of format: InputFile.Format) -> [UInt8]? {
    switch format {
    case .jsonLines: [0x0A]
    case .text: documentSeparator.map { Array($0.utf8) }
    }
  }

  /// The settings as options of the command line, in a fixed order.
  private var options: [(name: String, value: String)] {
    [
      ("--split", splitter.rule.versionedName), ("--max-word-bytes", "\(splitter.maximumWordBytes)"),
      ("--field", field), ("--invalid-utf8", invalidText.rawValue), ("--holdout", "\(holdout)"),
      ("--shard-bytes", "\(shardBytes)"), ("--level", "\(level)"),
      ("--document-separator", documentSeparator.map { "\"\($0)\"" } ?? "none"),
      ("--deduplicate", deduplicate ? "on" : "off"),
    ]
  }

  /// What changed from `old` to these settings, a sentence part each.
  func changes(from old: PreprocessSettings) -> [String] {
    zip(old.options, options).filter { $0.value != $1.value }
      .map { "\($0.name) was \($0.value) and is now \($1.value)" }
  }
}

extension PreprocessSettings: Codable {
  private enum CodingKeys: CodingKey {
    case rule, maxWordBytes, field, invalidText, holdout, shardBytes, level, documentSeparator, deduplicate
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    splitter = try WordSplitter(
      SplittingRule(versionedName: values.decode(String.self, forKey: .rule)),
      maximumWordBytes: values.decode(Int.self, forKey: .maxWordBytes))
    field = try values.decode(String.self, forKey: .field)
    invalidText = try values.decode(InvalidTextPolicy.self, forKey: .invalidText)
    holdout = try values.decode(Double.self, forKey: .holdout)
    shardBytes = try values.decode(Int.self, forKey: .shardBytes)
    level = try values.decode(Int.self, forKey: .level)
    documentSeparator = try values.decodeIfPresent(String.self, forKey: .documentSeparator)
    deduplicate = try values.decode(Bool.self, forKey: .deduplicate)
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(splitter.rule.versionedName, forKey: .rule)
    try values.encode(splitter.maximumWordBytes, forKey: .maxWordBytes)
    try values.encode(field, forKey: .field)
    try values.encode(invalidText, forKey: .invalidText)
    try values.encode(holdout, forKey: .holdout)
    try values.encode(shardBytes, forKey: .shardBytes)
    try values.encode(level, forKey: .level)
    try values.encodeIfPresent(documentSeparator, forKey: .documentSeparator)
    try values.encode(deduplicate, forKey: .deduplicate)
  }
}
