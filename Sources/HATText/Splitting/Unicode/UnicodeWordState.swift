/// The rule `unicode`, scalar by scalar (docs/splitting-rules.md): what it must remember of the text before a scalar
/// to say where words end.
///
/// UAX #29 looks ahead in WB6, WB7b and WB12, to see whether what stands between two letters or digits belongs to
/// them. All of that is punctuation, where the rule cuts anyway, but for U+2044; there, and at white space after a
/// single space, the cut stays in doubt until a later scalar decides it.
struct UnicodeWordState: Hashable {
  private var context = Context.none
  private var neighbor = Neighbor.start
  private var word = Word.other
  private var doubt = Doubt.none

  /// Whether a cut at the mark is still in doubt; where the text ends it is made.
  var isInDoubt: Bool { doubt != .none }

  /// What UAX #29 sees before a scalar, when marks and format characters are passed over (WB4).
  private enum Context {
    case none, letter, hebrewLetter, number, katakana, connector, oddRegionalIndicator
    /// A letter or digit with what may stand before another.
    case letterAndMiddle, hebrewLetterAndQuote, numberAndMiddle
  }

  /// The scalar directly before.
  private enum Neighbor {
    case start, carriageReturn, newline, space, joiner, lowercase, punctuation, other
  }

  /// The word being built.
  private enum Word {
    case oneSpace, whiteSpace, other
  }

  private enum Doubt {
    case none
    /// A piece begins with white space after a word of one space: the space joins it if more than white space comes.
    case space
    /// U+2044 after a number: it is inside the number if a digit comes.
    case fraction
  }

  /// What a scalar decides.
  struct Decision: OptionSet {
    let rawValue: UInt16
    /// A word starts here.
    static let cut = Decision(rawValue: 1)
    /// A word started at the mark; this comes before all else.
    static let cutAtMark = Decision(rawValue: 2)
    /// Here is where a word may start.
    static let mark = Decision(rawValue: 4)
  }

  mutating func take(_ next: ScalarClass) -> Decision {
    defer { remember(next) }
    guard neighbor != .start else {
      word = Self.word(of: next)
      return []
    }
    let boundary = boundary(before: next)
    let settled = settleDoubt(next, boundary)
    return settled.union(continueWord(with: next, boundary))
  }

  private mutating func continueWord(with next: ScalarClass, _ boundary: Boundary) -> Decision {
    switch boundary {
    case .none:
      if !next.isWhiteSpace { word = .other } else if word == .oneSpace { word = .whiteSpace }
      return []
    case .fraction:
      doubt = .fraction
      return .mark
    case .piece where word == .oneSpace && next.isWhiteSpace && !next.isNewline:
      doubt = .space
      return .mark
    case .piece where joinsWord(next):
      word = .other
      return []
    case .piece:
      word = Self.word(of: next)
      return .cut
    }
  }

  private mutating func settleDoubt(_ next: ScalarClass, _ boundary: Boundary) -> Decision {
    switch doubt {
    case .space where boundary != .none:
      (doubt, word) = (.none, .whiteSpace)
      return .cutAtMark
    case .space where !next.isWhiteSpace:
      doubt = .none
      return []
    case .fraction where next.wordBreak != .extend && next.wordBreak != .joiner:
      doubt = .none
      return next.wordBreak == .number ? [] : .cutAtMark
    default: return []
    }
  }

  /// Whether a piece that starts with `next` continues the word.
  private func joinsWord(_ next: ScalarClass) -> Bool {
    switch word {
    case .oneSpace: !next.isWhiteSpace
    case .whiteSpace: false
    case .other: next.kind == .punctuation
    }
  }

  private static func word(of first: ScalarClass) -> Word {
    first.isAsciiSpace ? .oneSpace : first.isWhiteSpace ? .whiteSpace : .other
  }

  private mutating func remember(_ scalar: ScalarClass) {
    context = context(after: scalar.wordBreak)
    neighbor =
      switch (scalar.wordBreak, scalar.kind) {
      case (_, .punctuation): .punctuation
      case (_, .lowercase): .lowercase
      case (.carriageReturn, _): .carriageReturn
      case (.lineFeed, _), (.newline, _): .newline
      case (.space, _): .space
      case (.joiner, _): .joiner
      default: .other
      }
  }
}

extension UnicodeWordState {
  private enum Boundary {
    case none, piece
    /// A boundary unless a digit follows (WB12).
    case fraction
  }

  private func boundary(before next: ScalarClass) -> Boundary {
    let isCut =
      neighbor == .punctuation || next.kind == .punctuation
      || (neighbor == .lowercase && next.kind == .uppercase)
    if isCut { return .piece }
    if context == .number && next.wordBreak == .midNumber { return .fraction }
    return isWordBoundary(before: next) ? .piece : .none
  }

  /// UAX #29, where neither scalar is punctuation.
  private func isWordBoundary(before next: ScalarClass) -> Bool {
    switch (neighbor, next.wordBreak) {
    case (.carriageReturn, .lineFeed): false  // WB3
    case (.carriageReturn, _), (.newline, _): true  // WB3a
    case (_, .carriageReturn), (_, .lineFeed), (_, .newline): true  // WB3b
    case (.joiner, _) where next.isPictographic: false  // WB3c
    case (.space, .space): false  // WB3d
    case (_, .extend), (_, .joiner): false  // WB4
    default: !isContinued(by: next.wordBreak)
    }
  }

  /// WB5 to WB16.
  private func isContinued(by next: ScalarClass.WordBreak) -> Bool {
    let isLetter = next == .letter || next == .hebrewLetter
    return switch context {
    case .none: false
    case .letter, .hebrewLetter, .number: isLetter || next == .number || next == .connector
    case .katakana: next == .katakana || next == .connector
    case .connector: isLetter || next == .number || next == .katakana || next == .connector
    case .oddRegionalIndicator: next == .regionalIndicator
    case .letterAndMiddle: isLetter
    case .hebrewLetterAndQuote: next == .hebrewLetter
    case .numberAndMiddle: next == .number
    }
  }

  private func context(after scalar: ScalarClass.WordBreak) -> Context {
    let isAfterLetter = context == .letter || context == .hebrewLetter
    return switch scalar {
    case .extend, .joiner: context
    case .letter: .letter
    case .hebrewLetter: .hebrewLetter
    case .number: .number
    case .katakana: .katakana
    case .connector: .connector
    case .regionalIndicator: context == .oddRegionalIndicator ? .none : .oddRegionalIndicator
    case .midLetter where isAfterLetter, .midNumberLetter where isAfterLetter: .letterAndMiddle
    case .midNumber where context == .number, .midNumberLetter where context == .number: .numberAndMiddle
    case .doubleQuote where context == .hebrewLetter: .hebrewLetterAndQuote
    default: .none
    }
  }
}
