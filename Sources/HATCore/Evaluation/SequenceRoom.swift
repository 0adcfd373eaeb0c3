import HATStorage
import HATText

/// How much of a text a sequence of a model holds.
struct SequenceRoom {
  let words: Int
  let bytes: Int

  /// The first of as many words as there is room for, up to word `end`.
  func first(before end: Int, of words: [Range<Int>]) -> Int {
    var (first, bytesLeft) = (end, bytes)
    while first > 0, end - first < self.words, words[first - 1].count <= bytesLeft {
      first -= 1
      bytesLeft -= words[first].count
    }
    return first
  }

  /// Cuts the words into parts that fit a sequence, from the end: so the last part is what `TextScorer.score(_:after:)` reads to score a
  /// string at the end.
  /// - Throws: `UserError` of kind `invalidData` for a word that is too long.
  func parts(of words: [Range<Int>]) throws -> [Range<Int>] {
    var parts: [Range<Int>] = []
    var end = words.count
    while end > 0 {
      let first = first(before: end, of: words)
      guard first < end else { throw tooLong(words[end - 1..<end]) }
      parts.append(first..<end)
      end = first
    }
    return parts.reversed()
  }

  func tooLong(_ scored: ArraySlice<Range<Int>>) -> UserError {
    UserError(
      .invalidData,
      "the string to be scored spans \(scored.count) words and "
        + "\(scored.last!.upperBound - scored.first!.lowerBound) bytes, a sequence of the model holds "
        + "\(words) words and \(bytes) bytes",
      hint: "Shorten it, or use a model trained with longer sequences.")
  }
}

extension [UInt32] {
  /// The places of words that have these lengths.
  var wordRanges: [Range<Int>] {
    var start = 0
    return map { length in
      defer { start += Int(length) }
      return start..<start + Int(length)
    }
  }
}

extension Batch {
  /// Words of a text as one piece, which opens with the word before them or `[S]`.
  init(piece part: Range<Int>, of words: [Range<Int>], in text: [UInt8]) {
    self.init()
    if part.lowerBound == 0 { appendDocumentMark() } else { appendWord(text[words[part.lowerBound - 1]]) }
    for word in words[part] { appendWord(text[word]) }
    endPiece()
  }
}
