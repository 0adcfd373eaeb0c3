/// A model whose predictions can be measured on text, whatever its own units are: bytes, words or tokens.
///
/// Every measure of `evaluate` is made of these two scores alone, so that models of different kinds are compared by
/// the same code. What a model says must not depend on what else it is asked.
public protocol TextScorer: AnyObject {
  /// Scores a document, each of its bytes once.
  /// - Parameter text: UTF-8.
  /// - Throws: `UserError` of kind `invalidData` for what is not UTF-8.
  func score(document text: [UInt8]) throws -> TextTally

  /// Scores the bytes of `target` as they follow `context`, which is the beginning of a document and may be empty:
  /// -log P(context + target) + log P(context), where P is the probability that a document begins so.
  /// - Parameters:
  ///   - target: UTF-8, at least one byte.
  ///   - context: UTF-8; what a sequence has no room for is left out at its beginning.
  /// - Throws: `UserError` of kind `invalidData` when a sequence has no room for the target.
  func score(_ target: [UInt8], after context: [UInt8]) throws -> TargetScore
}

/// What a model thinks of a string that follows another.
public struct TargetScore: Sendable, Equatable {
  /// -log P(target | context).
  public var nats: Double
  /// Of the target.
  public var bytes: Int
  /// Whether greedy decoding writes it: at each step the target's own symbol was the likeliest.
  public var isGreedy: Bool

  public init(nats: Double, bytes: Int, isGreedy: Bool) {
    (self.nats, self.bytes, self.isGreedy) = (nats, bytes, isGreedy)
  }

  var natsPerByte: Double { nats / Double(bytes) }
}
