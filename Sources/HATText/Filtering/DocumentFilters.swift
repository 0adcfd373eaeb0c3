import HATStorage

/// Which documents are kept, by the length of their text and by their metadata.
public struct DocumentFilters: Sendable, Equatable, Codable {
  /// Of the text, in UTF-8.
  public var minimumBytes: Int?
  /// Of the text, in UTF-8.
  public var maximumBytes: Int?
  /// Of the field `languageScoreField`.
  public var minimumLanguageScore: Double?
  /// All of them must match.
  public var patterns: [MetadataPattern] = []

  /// Where FineWeb and what is made like it keep how sure they are of the language, 0 to 1.
  public static let languageScoreField = "language_score"

  public init() {}

  /// What must be read besides the text.
  var fields: [String] {
    (minimumLanguageScore == nil ? [] : [Self.languageScoreField]) + patterns.map(\.field)
  }

  /// - Throws: `UserError` of kind `wrongUsage`.
  func validate() throws {
    let sizes = 1...ShardFormat.largestDocument
    for (name, bytes) in [("minimumBytes", minimumBytes), ("maximumBytes", maximumBytes)] {
      if let bytes, !sizes.contains(bytes) {
        throw UserError(
          .wrongUsage, at: "`\(name)`", "\(bytes) bytes is not a possible size of a document",
          hint: "Give 1B to \(sizes.upperBound >> 20)MiB.")
      }
    }
    if let minimumBytes, let maximumBytes, minimumBytes > maximumBytes {
      throw UserError(
        .wrongUsage, at: "`minimumBytes`", "\(minimumBytes) is more than `maximumBytes`, \(maximumBytes)",
        hint: "Leave one of them out, or give a range.")
    }
    if let minimumLanguageScore, !minimumLanguageScore.isFinite {
      throw UserError(
        .wrongUsage, at: "`minimumLanguageScore`", "\(minimumLanguageScore) is not a score",
        hint: "Give a number, usually from 0 to 1.")
    }
    for pattern in patterns where !(1...DocumentMetadata.longestName ~= pattern.field.utf8.count) {
      throw UserError(
        .wrongUsage, at: "`where`", "the name of a field is empty or too long",
        hint: "Give a name of 1 to \(DocumentMetadata.longestName) bytes.")
    }
  }

  /// For saying what has changed.
  var values: [(name: String, value: String)] {
    func value(_ number: (some CustomStringConvertible)?) -> String { number.map { "\($0)" } ?? "none" }
    return [
      ("minimumBytes", value(minimumBytes)), ("maximumBytes", value(maximumBytes)),
      ("minimumLanguageScore", value(minimumLanguageScore)),
      ("where", patterns.isEmpty ? "none" : patterns.map(\.description).joined(separator: " and ")),
    ]
  }
}

/// A field of the metadata, and a regular expression that its whole value must match.
public struct MetadataPattern: Sendable, Equatable, Codable, CustomStringConvertible {
  public var field: String
  /// In the syntax of Swift's `Regex`.
  public var expression: String

  public init(field: String, expression: String) {
    (self.field, self.expression) = (field, expression)
  }

  /// - Parameter text: such as `language=en|de`.
  /// - Throws: `UserError` of kind `wrongUsage`.
  public init(parsing text: String) throws {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[0].isEmpty else {
      throw UserError(
        .wrongUsage, at: "`where`", "\"\(text)\" does not name a field and an expression",
        hint: "Write it like `where` 'language=en|de'.")
    }
    self.init(field: parts[0], expression: parts[1])
  }

  public var description: String { "\(field)=\(expression)" }
}
