import HATText

/// Assumptions about a text that is not available.
public struct AssumedText: Sendable, Equatable {
  /// About the values of English.
  public static let english = AssumedText(bytesPerWord: 5.7, bytesPerToken: 4)

  public var bytesPerWord: Double
  /// For the subword baseline.
  public var bytesPerToken: Double

  public init(bytesPerWord: Double, bytesPerToken: Double) {
    (self.bytesPerWord, self.bytesPerToken) = (bytesPerWord, bytesPerToken)
  }

  /// Words of a full sequence.
  public func sequenceWords(_ data: DataConfiguration) -> Double {
    min(Double(data.sequenceWords), Double(data.sequenceBytes) / bytesPerWord)
  }

  /// Tokens of a full sequence, for the subword baseline.
  public func sequenceTokens(_ data: DataConfiguration) -> Double {
    sequenceWords(data) * bytesPerWord / bytesPerToken
  }

  /// Forward FLOPs of a byte in sequences of one piece.
  public func forwardPerByte(_ configuration: Configuration) -> Double {
    switch configuration.model.kind {
    case .hierarchical:
      ModelCost(configuration.model).forwardPerByte(
        bytesPerWord: bytesPerWord, pieceWords: sequenceWords(configuration.data))
    case .subword:
      SubwordCost(configuration.model).forwardPerByte(
        bytesPerToken: bytesPerToken, pieceTokens: sequenceTokens(configuration.data))
    }
  }
}

/// The units of some text in a hierarchical model and in the subword baseline, and what the text costs them.
public struct MeasuredText: Sendable {
  private let sequences: [Batch]
  /// Bytes of text predicted. Marks are counted separately.
  public private(set) var textBytes = 0
  /// Of documents and dialogues: a word of the hierarchical model and a token of the baseline each.
  public private(set) var marks = 0
  private var words = Segments()
  private var tokens = Segments()

  /// The number of units (words or tokens), and the sum of the squared lengths of their pieces.
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
        textBytes += sequence.textBytes(ofPiece: piece)
        let range = sequence.wordRange(ofPiece: piece)
        words.add(range.count - 1)
        marks += range.dropFirst().count(where: sequence.isMark)
      }
      let batch = batcher.tokens(of: sequence)
      for piece in 0..<batch.pieceCount { tokens.add(batch.tokenRange(ofPiece: piece).count) }
    }
    precondition(textBytes > 0, "there is text to measure")
  }

  public var bytesPerWord: Double { Double(textBytes) / Double(words.count - marks) }
  public var bytesPerToken: Double { Double(textBytes) / Double(tokens.count - marks) }
  /// Words of a word's piece, on average: what attention sees of a text cut into sequences.
  public var pieceWords: Double { words.meanLength }
  /// Tokens of a token's piece, on average.
  public var pieceTokens: Double { tokens.meanLength }

  /// Forward FLOPs for a byte of this text, marks included.
  public func forwardPerByte(_ model: ModelConfiguration) -> Double {
    switch model.kind {
    case .hierarchical:
      let cost = ModelCost(model)
      return sequences.reduce(0) { $0 + cost.forward($1) } / Double(textBytes)
    case .subword:
      // One part of a piece's cost grows with its length, the other with the square, so pieces of the mean length
      // cost as much.
      return SubwordCost(model).forwardPerByte(
        bytesPerToken: Double(textBytes) / Double(tokens.count), pieceTokens: pieceTokens)
    }
  }
}
