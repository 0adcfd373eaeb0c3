import HATText

/// Floating-point operations of the baseline's matrix products, counted as `ModelCost` counts those of the hierarchical
/// model.
public struct SubwordCost: Sendable {
  private let model: ModelConfiguration

  public init(_ model: ModelConfiguration) {
    precondition(model.kind == .subword)
    self.model = model
  }

  /// Forward FLOPs of a document piece of that many tokens, the head included; looking up an embedding is free.
  public func predicting(pieceOfTokens tokens: Double) -> Double {
    tokens * (model.backbone.productFLOPs + 2 * Double(model.vocabulary * model.width))
      + Double(model.layers) * model.backbone.causalScoreFLOPs(rows: tokens)
  }

  /// Forward FLOPs of a batch.
  public func forward(_ batch: TokenBatch) -> Double {
    (0..<batch.pieceCount).reduce(0) {
      $0 + predicting(pieceOfTokens: Double(batch.tokenRange(ofPiece: $1).count))
    }
  }

  /// Forward FLOPs for a byte of text of tokens of `bytesPerToken` bytes in pieces of `pieceTokens` tokens.
  public func forwardPerByte(bytesPerToken: Double, pieceTokens: Double) -> Double {
    predicting(pieceOfTokens: pieceTokens) / pieceTokens / bytesPerToken
  }
}
