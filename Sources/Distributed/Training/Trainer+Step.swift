import HATCore
import HATStorage

extension Trainer {
  /// One optimiser step.
  /// - Returns: whether some rank has been asked to stop.
  public func trainStep(shouldStop: () -> Bool) throws -> Bool {
    let clock = ContinuousClock()
    let start = clock.now
    let computed = Result { try computeGradient() }
    let hasFailed = if case .failure = computed { true } else { false }
    try reports.share(hasFailed: hasFailed, wantsStop: shouldStop())
    if reports.hasFailed { try communicator.agree(computed) }

    let sum = reports.sum
    let norm = try reduce(sum)
    let learningRate = schedule.learningRate(atStep: step + 1)
    try optimizer.update(
      parameters, gradient: accumulator.gradient, gradientScale: gradientScale(sum, norm: norm),
      learningRate: learningRate, step: step + 1)
    step += 1
    let elapsed = clock.now - start
    let record = StepRecord(
      step: step, sum: sum, gradientNorm: norm, learningRate: learningRate, flops: reports.flops,
      seconds: elapsed / .seconds(1), dataWaitSeconds: reports.dataWaitSeconds, epochs: source.epochs)
    try folder?.metrics.append(record.line)
    observe(.step(record))
    return reports.wantsStop
  }

  /// This rank's part of the step: the gradient of its micro-batches, summed.
  private func computeGradient() throws {
    let owned = tree.owned(byRank: communicator.rank)
    let start = ContinuousClock().now
    let batches = try source.nextStep()
    reports.record(dataWaitSeconds: (ContinuousClock().now - start) / .seconds(1))
    precondition(batches.count == owned.count, "a source gives as many micro-batches as the rank owns")
    accumulator.accumulate(owned) { index, gradient in
      let batch = batches[index - owned.lowerBound]
      let sum = model.lossAndGradient(batch, parameters: parameters.base, gradient: gradient.base)
      reports.record(sum, flops: model.trainingFLOPs(batch), ofMicroBatch: index)
    }
  }

  /// Sums the gradient over the ranks.
  /// - Returns: the norm of the mean gradient over target positions, before clipping.
  /// - Throws: `AgreedFailure` when loss or gradient is not finite.
  private func reduce(_ sum: LossSum) throws -> Double {
    try reducer.reduce(accumulator.gradient)
    let norm = try gradientNorm.norm(accumulator.gradient) / Double(sum.targetPositions)
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
