import HATCore
import HATStorage

extension Trainer {
  /// One optimiser step.
  /// - Returns: whether some rank has been asked to stop.
  func trainStep(shouldStop: () -> Bool) throws -> Bool {
    let start = ContinuousClock().now
    _ = clock.read()
    try computeGradient()
    try reports.share(wantsStop: shouldStop())

    let sum = reports.sum
    let norm = try norm(sum)
    let learningRate = schedule.learningRate(atStep: step + 1)
    update(gradientScale: gradientScale(sum, norm: norm), learningRate: learningRate)
    try parameters.share()
    step += 1
    let elapsed = ContinuousClock().now - start
    let record = StepRecord(
      step: step, sum: sum, gradientNorm: norm, learningRate: learningRate, flops: reports.flops,
      seconds: elapsed / .seconds(1), dataWaitSeconds: reports.dataWaitSeconds, epochs: source.epochs,
      phases: clock.read())
    try folder?.metrics.append(record.line)
    observe(.step(record))
    return reports.wantsStop
  }

  /// The gradient of the step's micro-batches, summed over them and over the ranks.
  private func computeGradient() throws {
    let owned = sharding.tree.owned(byRank: communicator.rank)
    let start = ContinuousClock().now
    let next = Result { try clock.during(.data) { try source.nextStep() } }
    reports.record(dataWaitSeconds: (ContinuousClock().now - start) / .seconds(1))
    // Agreed before the ranks begin to wait for each other's gradients.
    let batches = try communicator.agree(next)
    precondition(batches.count == owned.count, "a source gives as many micro-batches as the rank owns")
    try gradients.accumulate(with: parameters) { number, memory in
      let sum = try model.lossAndGradient(batches[number], memory)
      reports.record(sum, flops: model.trainingFLOPs(batches[number]), ofMicroBatch: owned[number])
    }
  }

  /// Updates what is this rank's to update.
  private func update(gradientScale: Double, learningRate: Double) {
    clock.during(.update) {
      optimizer.update(
        parameters.own.base, gradient: gradients.sum.base, gradientScale: gradientScale,
        learningRate: learningRate, step: step + 1)
    }
  }

  /// The norm of the mean gradient over target positions, before clipping.
  /// - Throws: `AgreedFailure` when loss or gradient is not finite.
  private func norm(_ sum: LossSum) throws -> Double {
    let norm = try clock.during(.reduction) {
      try gradientNorm.norm(gradients.sum.base) / Double(sum.targetPositions)
    }
    guard sum.nats.isFinite && norm.isFinite else { throw try divergence(sum, norm: norm) }
    return norm
  }

  /// Clipping, and the division by the global number of target positions (model.md §5).
  private func gradientScale(_ sum: LossSum, norm: Double) -> Double {
    let clip = job.configuration.training.clip
    return (norm > clip ? clip / norm : 1) / Double(sum.targetPositions)
  }

  /// Every rank comes here together, with the same numbers.
  private func divergence(_ sum: LossSum, norm: Double) throws -> AgreedFailure {
    let last = try store.list().last
    let goodOne =
      last.map { "The last good checkpoint is that of step \($0)." } ?? "There is no checkpoint yet."
    let error = UserError(
      .configuration, at: job.run.string,
      "step \(step + 1) is no longer finite (loss \(sum.loss), gradient norm \(norm)) and was not applied",
      hint: "\(goodOne) Lower training.peak_learning_rate or training.clip and start a new run.")
    return AgreedFailure(rank: 0, cause: SharedError(error))
  }
}
