/// The text that a run trains on first, for measuring: the sequences that training packs, in its order.
public struct TextSample: Sendable {
  public private(set) var sequences: [Batch] = []
  /// Bytes of text that are predicted, marks left out.
  public private(set) var textBytes = 0

  /// - Parameter bytes: at least, where the corpus has so many: the sequence that reaches them is the last.
  /// - Throws: what `TrainingStream` throws.
  public init(of corpus: Corpus, seed: UInt64, sequenceWords: Int, sequenceBytes: Int, bytes: Int) throws {
    let stream = try TrainingStream(
      corpus: corpus, seed: seed, sequenceWords: sequenceWords, sequenceBytes: sequenceBytes)
    while textBytes < bytes && stream.epochs < 1 { append(try stream.nextSequence()) }
  }

  private mutating func append(_ sequence: Batch) {
    sequences.append(sequence)
    for piece in 0..<sequence.pieceCount { textBytes += sequence.textBytes(ofPiece: piece) }
  }

  /// How often each word occurs in the predicted text.
  public func countWords() -> WordCounts {
    var counts = WordCounts()
    for sequence in sequences {
      for piece in 0..<sequence.pieceCount {
        counts.add(Array(sequence.bytes[sequence.text(ofPiece: piece)]))
      }
    }
    return counts
  }
}
