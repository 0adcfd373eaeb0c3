import HATCore
import HATDistributed
import HATText

/// The micro-batches of a few steps, made before anything is measured and given again and again.
final class PreparedMicroBatches<MicroBatch>: MicroBatchSource {
  /// By step, then by owned micro-batch.
  private let steps: [[MicroBatch]]
  private var next = 0

  init(steps: [[MicroBatch]]) {
    self.steps = steps
  }

  func cursor() throws -> String { String(next) }

  var epochs: [Double] { [] }

  func nextStep() throws -> [MicroBatch] {
    defer { next += 1 }
    return steps[next % steps.count]
  }

  func documentsOfLastStep() throws -> [[String]] { [] }

  func heldOut(owned: (Int) -> Bool) throws -> HeldOut<MicroBatch> { HeldOut(counts: [], owned: []) }
}
