import HATCore

/// Steps that were not applied because their loss or gradient was not finite.
struct SkippedSteps: Equatable {
  /// So many in a row end the run: then it is the model, not a document.
  static let limitInARow = 3

  /// Since the run began.
  private(set) var total = 0
  /// Up to the last step done.
  private(set) var inARow = 0

  init() {}

  /// - Parameter steps: those skipped up to `step`, in order.
  init(_ steps: [Int], upTo step: Int) {
    total = steps.count
    while inARow < steps.count, steps[steps.count - 1 - inARow] == step - inARow { inARow += 1 }
  }

  mutating func count(isSkipped: Bool) {
    total += isSkipped ? 1 : 0
    inARow = isSkipped ? inARow + 1 : 0
  }
}

/// A step that was skipped: a line of skipped.jsonl.
public struct SkippedStep: Codable, Sendable, Equatable {
  public var step: Int
  /// Nats per target position; nil where it is not finite, like the norm.
  public var loss: Double?
  public var gradientNorm: Double?
  /// Those whose loss is not finite; all, where it is the gradient alone.
  public var microBatches: [Int]
  /// What those were made of, as the source of the data names it.
  public var documents: [String]

  private enum CodingKeys: String, CodingKey {
    case step, loss
    case gradientNorm = "gradient_norm"
    case microBatches = "micro_batches"
    case documents
  }
}
