/// What is taken for granted of a text that is not at hand.
public struct AssumedText: Sendable, Equatable {
  /// About what English has.
  public static let english = AssumedText(bytesPerWord: 5.7, bytesPerToken: 4)

  public var bytesPerWord: Double
  /// For the subword baseline.
  public var bytesPerToken: Double

  public init(bytesPerWord: Double, bytesPerToken: Double) {
    (self.bytesPerWord, self.bytesPerToken) = (bytesPerWord, bytesPerToken)
  }

  /// Of a full sequence.
  public func sequenceWords(_ data: DataConfiguration) -> Double {
    min(Double(data.sequenceWords), Double(data.sequenceBytes) / bytesPerWord)
  }

  /// Of a full sequence, as the subword baseline reads it.
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
