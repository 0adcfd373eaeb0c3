/// A document with marks in it, cut into words, as shards keep it.
public struct MarkedText: Sendable, Equatable {
  /// UTF-8 and marks.
  public private(set) var bytes: [UInt8] = []
  /// In bytes; a mark is a word of its own.
  public private(set) var wordLengths: [UInt32] = []
  /// The words that are part of the loss, in ascending ranges that do not touch.
  public private(set) var counted: [Range<Int>] = []

  public init() {}

  /// Appends a turn: the mark of its role, its words, and the end of the turn.
  /// - Parameter counts: whether an answer's words and the end of its turn are part of the loss.
  public mutating func append(_ message: DialogueMessage, counts: Bool = true, splitter: WordSplitter) {
    appendMark(message.role.mark)
    let first = wordLengths.count
    let content = Array(message.content.utf8)
    wordLengths += splitter.split(content)
    bytes += content
    appendMark(SpecialByte.turnEnd)
    if counts && message.counts { counted.append(first..<wordLengths.count) }
  }

  mutating func appendMark(_ mark: UInt8) {
    bytes.append(mark)
    wordLengths.append(1)
  }
}
