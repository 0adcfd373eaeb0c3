import HATStorage

/// Decides which documents are kept (`DocumentFilters`).
final class DocumentFilter {
  /// Why a document is left out.
  enum Reason {
    case tooShort, tooLong, withoutMetadata, lowLanguageScore, unmatched
  }

  /// A language score that is none.
  struct NotANumber: Error {
    var value: String
  }

  private let sizes: ClosedRange<Int>
  private let minimumScore: Double?
  /// Where the score is among the fields.
  private let scoreIndex: Int?
  private let matchers: [(index: Int, matcher: ValueMatcher)]
  private let sourceIndex: Int?

  /// - Parameter fields: the names of those that are read of a document.
  /// - Throws: `UserError` of kind `wrongUsage` for an expression that is not a regular one.
  init(_ filters: DocumentFilters, fields: [String]) throws {
    sizes = (filters.minimumBytes ?? 0)...(filters.maximumBytes ?? .max)
    minimumScore = filters.minimumLanguageScore
    scoreIndex = fields.firstIndex(of: DocumentFilters.languageScoreField)
    sourceIndex = fields.firstIndex(of: "source")
    matchers = try filters.patterns.map { (fields.firstIndex(of: $0.field)!, try ValueMatcher($0)) }
  }

  /// Why a text of so many bytes is left out; nil where it is not.
  func reasonToDrop(textBytes: Int) -> Reason? {
    if textBytes < sizes.lowerBound { return .tooShort }
    return textBytes > sizes.upperBound ? .tooLong : nil
  }

  /// Why a document with this metadata is left out; nil where it is not.
  /// - Parameters:
  ///   - fields: the value of each field that is read; nil where the document has none.
  ///   - source: what stands for the field `source` where there is none.
  func reasonToDrop(
    _ fields: [UnsafeBufferPointer<UInt8>?], source: String
  ) throws(NotANumber) -> Reason? {
    if let minimumScore {
      guard let value = fields[scoreIndex!] else { return .withoutMetadata }
      let text = String(decoding: value, as: UTF8.self)
      guard let score = Double(text) else { throw NotANumber(value: text) }
      // Written so that what is not a number, NaN, is left out too.
      if !(score >= minimumScore) { return .lowLanguageScore }
    }
    for (index, matcher) in matchers {
      let value = fields[index].map { String(decoding: $0, as: UTF8.self) }
      guard let value = value ?? (index == sourceIndex ? source : nil) else { return .withoutMetadata }
      if !matcher.matches(value) { return .unmatched }
    }
    return nil
  }
}

/// Matches values against a regular expression, and remembers what came of it: metadata repeat.
private final class ValueMatcher {
  private let regex: Regex<AnyRegexOutput>
  /// By bytes: strings of other bytes, of which one matches, may be equal to Swift.
  private var known: [[UInt8]: Bool] = [:]
  private static let mostKnown = 4096
  /// Longer ones seldom repeat.
  private static let longestKnown = 64

  init(_ pattern: MetadataPattern) throws {
    do {
      regex = try Regex(pattern.expression).matchingSemantics(.unicodeScalar)
    } catch {
      throw UserError(
        .wrongUsage, at: "`where`", "\"\(pattern.expression)\" is not a regular expression: \(error)",
        hint: "Swift's Regex says what is: mostly that of Perl.")
    }
  }

  func matches(_ value: String) -> Bool {
    guard value.utf8.count <= Self.longestKnown else { return value.wholeMatch(of: regex) != nil }
    let key = Array(value.utf8)
    if let result = known[key] { return result }
    let result = value.wholeMatch(of: regex) != nil
    if known.count == Self.mostKnown { known.removeAll(keepingCapacity: true) }
    known[key] = result
    return result
  }
}
