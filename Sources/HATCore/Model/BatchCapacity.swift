/// The largest micro-batch a model's arena is planned for, and what is kept of it.
public struct BatchCapacity: Sendable, Equatable {
  /// Input words, and target words.
  public let words: Int
  /// Rows of the encoder: a `[W]` and the bytes of each input word.
  public let encoderRows: Int
  /// Rows of the decoder: the word embedding and the bytes of each target word.
  public let decoderRows: Int
  /// Bytes of one word.
  public let wordBytes: Int
  /// Input words of one piece.
  public let pieceWords: Int
  public let recomputation: Recomputation

  /// For micro-batches of packed sequences (model.md §3).
  public init(
    sequences: Int, sequenceWords: Int, sequenceBytes: Int, maxWordBytes: Int,
    recomputation: Recomputation = .none
  ) {
    words = sequences * sequenceWords
    // A sequence may open with the last word of the piece before it, which its own budget does not count.
    encoderRows = sequences * (sequenceWords + sequenceBytes + maxWordBytes)
    decoderRows = sequences * (sequenceWords + sequenceBytes)
    wordBytes = maxWordBytes
    pieceWords = sequenceWords
    self.recomputation = recomputation
  }

  public init(of configuration: Configuration, maxWordBytes: Int) {
    self.init(
      sequences: configuration.sequencesPerMicroBatch, sequenceWords: configuration.data.sequenceWords,
      sequenceBytes: configuration.data.sequenceBytes, maxWordBytes: maxWordBytes,
      recomputation: configuration.training.recompute)
  }
}
