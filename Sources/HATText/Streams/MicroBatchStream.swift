/// The data of training steps: of each, the micro-batches that one rank computes.
///
/// Every rank walks the same sequences and builds its own, so that what a step sees does not depend on who
/// computes it.
public final class MicroBatchStream {
  public struct Step: Sendable {
    /// The owned ones, in order.
    public let microBatches: [Batch]
    /// Where the next step starts.
    public let cursor: MixtureCursor
    /// How many times each corpus has been gone through after this step.
    public let epochs: [Double]
  }

  private let stream: MixedStream
  private let microBatches: Int
  private let sequencesPerMicroBatch: Int
  private let owned: [Int]

  /// - Parameters:
  ///   - microBatches: of a step, all ranks together.
  ///   - owned: those to be built.
  public init(
    _ stream: MixedStream, microBatches: Int, sequencesPerMicroBatch: Int, owned: some Sequence<Int>
  ) {
    precondition(owned.allSatisfy((0..<microBatches).contains) && sequencesPerMicroBatch > 0)
    self.stream = stream
    self.microBatches = microBatches
    self.sequencesPerMicroBatch = sequencesPerMicroBatch
    self.owned = Array(owned)
  }

  /// - Throws: `UserError` of kind `invalidData` when a shard is damaged.
  public func nextStep() throws -> Step {
    var batches: [Batch] = []
    for index in 0..<microBatches {
      if owned.contains(index) {
        batches.append(try nextMicroBatch())
      } else {
        for _ in 0..<sequencesPerMicroBatch { try stream.skipSequence() }
      }
    }
    return Step(microBatches: batches, cursor: stream.cursor, epochs: stream.epochs)
  }

  private func nextMicroBatch() throws -> Batch {
    var batch = Batch()
    for _ in 0..<sequencesPerMicroBatch { try stream.appendSequence(to: &batch) }
    return batch
  }
}
