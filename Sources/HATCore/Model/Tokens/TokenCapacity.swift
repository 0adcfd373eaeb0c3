/// The largest micro-batch the baseline may be given, and what is kept of it.
public struct TokenCapacity: Sendable, Equatable {
  /// Of all pieces.
  public let tokens: Int
  /// Of one piece.
  public let pieceTokens: Int
  public let recomputation: Recomputation

  public init(tokens: Int, pieceTokens: Int, recomputation: Recomputation = .none) {
    (self.tokens, self.pieceTokens, self.recomputation) = (tokens, pieceTokens, recomputation)
  }

  /// For sequences of text of which each byte may turn out a token.
  public init(of configuration: Configuration, sequences: Int) {
    let bytes = configuration.data.sequenceBytes
    self.init(
      tokens: sequences * bytes, pieceTokens: bytes, recomputation: configuration.training.recompute)
  }
}
