import Foundation
import HATCore
import HATStorage

extension Trainer {
  /// Writes down a step that was not applied. Every rank comes here together, with the same numbers.
  /// - Throws: `AgreedFailure` when it was one too many in a row.
  func recordSkip(_ sum: LossSum, norm: Double) throws {
    let microBatches = reports.microBatchesThatAreNotFinite
    try communicator.together {
      guard let folder else { return }
      let documents = try source.documentsOfLastStep()
      let skip = SkippedStep(
        step: step, loss: sum.loss.isFinite ? sum.loss : nil, gradientNorm: norm.isFinite ? norm : nil,
        microBatches: microBatches, documents: microBatches.flatMap { documents[$0] })
      try folder.skipped.append(try Self.line(skip))
      observe(.skipped(skip))
    }
    if skipped.inARow >= SkippedSteps.limitInARow { throw try divergence() }
  }

  private static func line(_ skip: SkippedStep) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(skip), as: UTF8.self)
  }

  /// A checkpoint is known to be good once a later step with its parameters has been: one written just before the first
  /// skipped step may hold the cause.
  private func divergence() throws -> AgreedFailure {
    let lastApplied = step - skipped.inARow
    // The newest checkpoint may be on its way still.
    try checkpoints.finish()
    let good = try communicator.together { try store.list() }.last { $0 < lastApplied }
    let error = UserError(
      .configuration, at: job.run.string,
      "loss or gradient of \(skipped.inARow) steps in a row, \(lastApplied + 1) to \(step), was not finite",
      hint: (good.map { "The last good checkpoint is that of step \($0)." } ?? "There is no good checkpoint.")
        + " \(job.run.appending("skipped.jsonl")) names the documents. Lower training.peak_learning_rate or "
        + "training.clip and start a new run.")
    return AgreedFailure(rank: 0, cause: SharedError(error))
  }
}
