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

  /// For sequences of text of tokens of `bytesPerToken` bytes; 1 for any text there is.
  public init(of configuration: Configuration, sequences: Int, bytesPerToken: Double = 1) {
    let tokens = Int((Double(configuration.data.sequenceBytes) / bytesPerToken).rounded(.up))
    self.init(
      tokens: sequences * tokens, pieceTokens: tokens, recomputation: configuration.training.recompute)
  }
}
