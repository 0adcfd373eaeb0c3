import HATStorage
import HATText

/// A string behind its context, cut into words, of which as many stand before the string as a sequence has room for.
struct ScoredText {
  let text: [UInt8]
  /// Where the string begins.
  let start: Int
  let words: [Range<Int>]
  /// The first word that is a target.
  let first: Int

  /// - Throws: `UserError` of kind `invalidData` when a sequence has no room for the string.
  init(
    _ target: [UInt8], after context: [UInt8], splitter: WordSplitter, sequenceWords: Int, sequenceBytes: Int
  ) throws {
    precondition(!target.isEmpty, "there is something to score")
    text = context + target
    start = context.count
    words = Self.ranges(ofWordsIn: text, splitter)
    let firstScored = words.firstIndex { $0.upperBound >= context.count }!
    var (first, bytesLeft) = (words.count, sequenceBytes)
    while first > 0, words.count - first < sequenceWords, words[first - 1].count <= bytesLeft {
      first -= 1
      bytesLeft -= words[first].count
    }
    guard first <= firstScored else {
      throw UserError(
        .invalidData,
        "the string to be scored spans \(words.count - firstScored) words and "
          + "\(words.last!.upperBound - words[firstScored].lowerBound) bytes, a sequence of the model holds "
          + "\(sequenceWords) words and \(sequenceBytes) bytes",
        hint: "Shorten it, or use a model trained with longer sequences.")
    }
    self.first = first
  }

  private static func ranges(ofWordsIn text: [UInt8], _ splitter: WordSplitter) -> [Range<Int>] {
    var start = 0
    return splitter.split(text).map { length in
      defer { start += Int(length) }
      return start..<start + Int(length)
    }
  }

  /// The target words, behind the word before them or `[S]`, as one piece.
  var batch: Batch {
    var batch = Batch()
    if first == 0 { batch.appendDocumentMark() } else { batch.appendWord(text[words[first - 1]]) }
    for word in words[first...] { batch.appendWord(text[word]) }
    batch.endPiece()
    return batch
  }
}
