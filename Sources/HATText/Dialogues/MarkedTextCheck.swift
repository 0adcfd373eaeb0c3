/// Holds the words of a dialogue, or of a pair of them, against what a document of its kind is
/// (docs/shard-format.md, "Dialogues and preferences").
///
/// A shard may have been written by somebody else: what reaches a model is whole turns of UTF-8, whose answers count.
struct MarkedTextCheck {
  private let kind: DocumentKind
  private let text: UnsafeBufferPointer<UInt8>
  /// The mark that opened the turn; nil between turns.
  private var turn: UInt8?
  /// Where the words since the last mark start.
  private var runStart = 0
  private var end = 0
  private var hasCounted = false
  private var documentMarks = 0

  /// - Parameter text: of the whole document.
  init(_ kind: DocumentKind, _ text: UnsafeBufferPointer<UInt8>) {
    precondition(kind != .text)
    (self.kind, self.text) = (kind, text)
  }

  /// Takes the next word.
  /// - Throws: `FormatDamage`.
  mutating func take(length: Int, counts: Bool) throws {
    let start = end
    end += length
    guard length == 1, SpecialByte.isMark(text[start]) else {
      guard turn != nil else { throw FormatDamage("a dialogue has words outside of its turns") }
      return try takeCount(counts, isAllowed: turn == SpecialByte.assistant)
    }
    try requireUTF8(upTo: start)
    runStart = end
    try takeMark(text[start], counts: counts)
  }

  private mutating func takeMark(_ mark: UInt8, counts: Bool) throws {
    switch mark {
    case SpecialByte.turnEnd:
      guard let turn else { throw FormatDamage("a turn of a dialogue ends that has not begun") }
      try takeCount(counts, isAllowed: turn == SpecialByte.assistant)
      self.turn = nil
    case SpecialByte.document:
      try takeCount(counts, isAllowed: false)
      try endDialogue()
      documentMarks += 1
      guard kind == .preferences, documentMarks == 1 else {
        throw FormatDamage("a document has a mark of documents too many")
      }
    default:
      guard turn == nil else { throw FormatDamage("a turn of a dialogue begins inside of another") }
      try takeCount(counts, isAllowed: false)
      turn = mark
    }
  }

  private mutating func takeCount(_ counts: Bool, isAllowed: Bool) throws {
    guard counts else { return }
    guard isAllowed else { throw FormatDamage("a word counts that is no part of an answer") }
    hasCounted = true
  }

  /// Ends the document.
  /// - Throws: `FormatDamage`.
  mutating func finish() throws {
    try requireUTF8(upTo: end)
    try endDialogue()
    guard documentMarks == (kind == .preferences ? 1 : 0) else {
      throw FormatDamage("a pair of dialogues has no mark between them")
    }
  }

  private mutating func endDialogue() throws {
    guard turn == nil else { throw FormatDamage("a turn of a dialogue does not end") }
    guard hasCounted else { throw FormatDamage("nothing counts in a dialogue") }
    hasCounted = false
  }

  private func requireUTF8(upTo end: Int) throws {
    guard
      TextValidation.firstInvalidByte(in: UnsafeBufferPointer(rebasing: text[runStart..<end])) == nil
    else { throw FormatDamage("a document is not valid UTF-8 between its marks") }
  }
}
