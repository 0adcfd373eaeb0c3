/// What the rule `unicode` knows of a scalar; scalars it treats alike share one class.
struct ScalarClass: Sendable, Hashable {
  /// The Unicode property Word_Break (UAX #29, table 3). Format counts as `extend`, Single_Quote as
  /// `midNumberLetter`: the rule never treats them differently.
  enum WordBreak: Sendable {
    case other, carriageReturn, lineFeed, newline, space, extend, joiner, regionalIndicator
    case letter, hebrewLetter, number, katakana, connector
    case midLetter, midNumber, midNumberLetter, doubleQuote
  }

  /// The general categories P*, Ll and Lu.
  enum Kind: Sendable {
    case other, punctuation, lowercase, uppercase
  }

  let wordBreak: WordBreak
  let kind: Kind
  /// The property White_Space.
  let isWhiteSpace: Bool
  /// The property Extended_Pictographic.
  let isPictographic: Bool
  /// U+0020.
  let isAsciiSpace: Bool

  init(
    _ wordBreak: WordBreak, _ kind: Kind = .other, isWhiteSpace: Bool = false, isPictographic: Bool = false,
    isAsciiSpace: Bool = false
  ) {
    self.wordBreak = wordBreak
    self.kind = kind
    self.isWhiteSpace = isWhiteSpace
    self.isPictographic = isPictographic
    self.isAsciiSpace = isAsciiSpace
  }

  var isNewline: Bool { wordBreak == .carriageReturn || wordBreak == .lineFeed || wordBreak == .newline }
}
