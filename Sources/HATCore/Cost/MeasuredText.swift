import HATText

/// What some text is to a hierarchical model and to the subword baseline, and what it costs them.
public struct MeasuredText: Sendable {
  private let sequences: [Batch]
  /// Bytes of text predicted, and the document marks besides.
  public private(set) var textBytes = 0
  public private(set) var documentMarks = 0
  private var words = Segments()
  private var tokens = Segments()

  /// What is predicted in pieces, and the sum over all of it of the length of the piece it stands in.
  private struct Segments {
    var count = 0
    var squares = 0

    mutating func add(_ length: Int) {
      count += length
      squares += length * length
    }

    var meanLength: Double { Double(squares) / Double(count) }
  }

  /// - Parameter sequences: packed as for training; at least one with text in it.
  public init(_ sequences: [Batch], vocabulary: SubwordVocabulary) {
    self.sequences = sequences
    let batcher = TokenBatcher(vocabulary)
    for sequence in sequences {
      for piece in 0..<sequence.pieceCount {
        textBytes += sequence.text(ofPiece: piece).count
        let range = sequence.wordRange(ofPiece: piece)
        words.add(range.count - 1)
        if sequence.isDocumentMark(range.upperBound - 1) { documentMarks += 1 }
      }
      let batch = batcher.tokens(of: sequence)
      for piece in 0..<batch.pieceCount { tokens.add(batch.tokenRange(ofPiece: piece).count) }
    }
    precondition(textBytes > 0, "there is text to measure")
  }

  public var bytesPerWord: Double { Double(textBytes) / Double(words.count - documentMarks) }
  public var bytesPerToken: Double { Double(textBytes) / Double(tokens.count - documentMarks) }
  /// Words of the piece that a word stands in, on average: what attention sees of a text cut into sequences.
  public var pieceWords: Double { words.meanLength }
  /// Tokens of the piece that a token stands in, on average.
  public var pieceTokens: Double { tokens.meanLength }

  /// Forward FLOPs of a byte of the text: of its very words, or tokens, document marks included.
  public func forwardPerByte(_ model: ModelConfiguration) -> Double {
    switch model.kind {
    case .hierarchical:
      let cost = ModelCost(model)
      return sequences.reduce(0) { $0 + cost.forward($1) } / Double(textBytes)
    case .subword:
      // Of a piece's cost one part grows with its length, the other with the square: pieces of the mean length cost
      // as much.
      return SubwordCost(model).forwardPerByte(
        bytesPerToken: Double(textBytes) / Double(tokens.count), pieceTokens: pieceTokens)
    }
  }
}
