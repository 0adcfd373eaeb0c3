import HATStorage

/// How a document is cut into words (model.md §2). The only step between text and model that is not learned.
public enum SplittingRule: Sendable, Hashable {
  /// A run of scalars that are not white space and the whole run of white space after it.
  case whitespace
  /// Word boundaries of UAX #29, of Unicode 16.0, with what docs/splitting-rules.md adds.
  case unicode
  /// Every so many bytes, at the next scalar boundary.
  case fixed(Int)

  /// What the person writes, and what is shown: `whitespace`, `unicode`, `fixed:8`.
  public var name: String {
    switch self {
    case .whitespace: "whitespace"
    case .unicode: "unicode"
    case .fixed(let bytes): "fixed:\(bytes)"
    }
  }

  /// What shards and checkpoints keep: the name with the version of the rule's definition, `unicode-16.0-v1`.
  public var versionedName: String {
    switch self {
    case .whitespace, .fixed: name + "-v1"
    case .unicode: "\(name)-\(ScalarClass.unicodeVersion)-v1"
    }
  }

  /// - Throws: `UserError` of kind `wrongUsage`.
  public init(parsing text: String) throws {
    if text == "whitespace" {
      self = .whitespace
    } else if text == "unicode" {
      self = .unicode
    } else if let bytes = Self.fixedBytes(text) {
      self = .fixed(bytes)
    } else {
      throw UserError(
        .wrongUsage, at: "splitting rule", "\"\(text)\" is not a rule this version has",
        hint: "Use whitespace, unicode, or fixed:N for a word every N bytes, such as fixed:8.")
    }
  }

  /// Reads what `versionedName` wrote.
  /// - Throws: `UserError` of kind `invalidData`.
  public init(versionedName: String) throws {
    let name = String(versionedName.prefix { $0 != "-" })
    guard let rule = try? SplittingRule(parsing: name), rule.versionedName == versionedName else {
      throw UserError(
        .invalidData, at: "splitting rule", "\"\(versionedName)\" is not a rule this version knows",
        hint: "Use the version of hat that wrote the data, or preprocess the text again.")
    }
    self = rule
  }

  private static func fixedBytes(_ text: String) -> Int? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0] == "fixed", let bytes = Int(parts[1]), bytes >= 1,
      String(bytes) == parts[1]
    else { return nil }
    return bytes
  }
}
