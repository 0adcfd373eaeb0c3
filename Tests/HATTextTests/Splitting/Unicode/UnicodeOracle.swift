@testable import HATText

/// The rule `unicode` again, written from docs/splitting-rules.md alone: step by step over an array of scalars,
/// looking ahead and back as far as it likes.
struct UnicodeOracle {
  private let scalars: [Unicode.Scalar]
  private let classes: [ScalarClass]

  init(_ text: String) {
    scalars = Array(text.unicodeScalars)
    classes = scalars.map(ScalarClassTable.unicode.scalarClass)
  }

  /// Steps 1 to 3.
  func words() -> [String] {
    var words: [String] = []
    var word = ""
    for piece in pieces() {
      let isWhiteSpace = classes[piece].allSatisfy(\.isWhiteSpace)
      let isPunctuation = classes[piece].allSatisfy { $0.kind == .punctuation }
      let wordIsWhiteSpace = word.unicodeScalars.allSatisfy { scalar in
        ScalarClassTable.unicode.scalarClass(scalar).isWhiteSpace
      }
      let joins = word.utf8.elementsEqual([0x20]) ? !isWhiteSpace : isPunctuation && !wordIsWhiteSpace
      if !joins && !word.isEmpty {
        words.append(word)
        word = ""
      }
      word.unicodeScalars.append(contentsOf: scalars[piece])
    }
    return word.isEmpty ? words : words + [word]
  }

  /// Steps 1 and 2.
  private func pieces() -> [Range<Int>] {
    ranges { index in
      let (before, after) = (classes[index - 1].kind, classes[index].kind)
      return isBoundary(index) || before == .punctuation || after == .punctuation
        || (before == .lowercase && after == .uppercase)
    }
  }

  /// Step 1: UAX #29.
  func wordBoundaryPieces() -> [[Unicode.Scalar]] {
    ranges(isBoundary).map { Array(scalars[$0]) }
  }

  private func ranges(_ isCut: (Int) -> Bool) -> [Range<Int>] {
    let cuts = [0] + scalars.indices.dropFirst().filter(isCut) + [scalars.count]
    return zip(cuts, cuts.dropFirst()).filter { $0 < $1 }.map { $0..<$1 }
  }
}

/// Whether UAX #29 has a boundary before a scalar, rule by rule.
extension UnicodeOracle {
  private typealias WordBreak = ScalarClass.WordBreak

  private func isBoundary(_ index: Int) -> Bool {
    let (before, after) = (classes[index - 1], classes[index])
    if before.wordBreak == .carriageReturn && after.wordBreak == .lineFeed { return false }  // WB3
    if before.isNewline || after.isNewline { return true }  // WB3a, WB3b
    if before.wordBreak == .joiner && after.isPictographic { return false }  // WB3c
    if before.wordBreak == .space && after.wordBreak == .space { return false }  // WB3d
    if isPassedOver(index) { return false }  // WB4
    return !isJoined(index)
  }

  /// WB5 to WB16.
  private func isJoined(_ index: Int) -> Bool {
    guard let left = previous(index) else { return false }
    let (a, b) = (classes[left].wordBreak, classes[index].wordBreak)
    let farLeft = previous(left).map { classes[$0].wordBreak }
    let right = next(index).map { classes[$0].wordBreak }
    if isLetter(a) && isLetter(b) { return true }  // WB5
    if isLetter(a) && isMiddleOfLetters(b) && isLetter(right) { return true }  // WB6
    if isLetter(farLeft) && isMiddleOfLetters(a) && isLetter(b) { return true }  // WB7
    if a == .hebrewLetter && scalars[index] == "'" { return true }  // WB7a
    if a == .hebrewLetter && b == .doubleQuote && right == .hebrewLetter { return true }  // WB7b
    if farLeft == .hebrewLetter && a == .doubleQuote && b == .hebrewLetter { return true }  // WB7c
    if a == .number && b == .number { return true }  // WB8
    if isLetter(a) && b == .number { return true }  // WB9
    if a == .number && isLetter(b) { return true }  // WB10
    if farLeft == .number && isMiddleOfNumber(a) && b == .number { return true }  // WB11
    if a == .number && isMiddleOfNumber(b) && right == .number { return true }  // WB12
    if a == .katakana && b == .katakana { return true }  // WB13
    let connected: [WordBreak] = [.letter, .hebrewLetter, .number, .katakana]
    if (connected.contains(a) || a == .connector) && b == .connector { return true }  // WB13a
    if a == .connector && connected.contains(b) { return true }  // WB13b
    return a == .regionalIndicator && b == .regionalIndicator && regionalIndicators(upTo: left) % 2 == 1
  }

  private func isLetter(_ value: WordBreak?) -> Bool { value == .letter || value == .hebrewLetter }

  private func isMiddleOfLetters(_ value: WordBreak) -> Bool {
    value == .midLetter || value == .midNumberLetter
  }

  private func isMiddleOfNumber(_ value: WordBreak) -> Bool {
    value == .midNumber || value == .midNumberLetter
  }

  private func isPassedOver(_ index: Int) -> Bool {
    classes[index].wordBreak == .extend || classes[index].wordBreak == .joiner
  }

  private func next(_ index: Int) -> Int? {
    classes.indices[(index + 1)...].first { !isPassedOver($0) }
  }

  private func previous(_ index: Int) -> Int? {
    classes[..<index].indices.last { !isPassedOver($0) }
  }

  private func regionalIndicators(upTo index: Int) -> Int {
    var (count, place) = (0, Optional(index))
    while let index = place, classes[index].wordBreak == .regionalIndicator {
      count += 1
      place = previous(index)
    }
    return count
  }
}
