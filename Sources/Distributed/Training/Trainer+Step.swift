import HATCore

extension Trainer {
  /// One optimiser step.
  /// - Returns: whether some rank has been asked to stop.
  public func trainStep(shouldStop: () -> Bool) throws -> Bool {
    let clock = ContinuousClock()
    let start = clock.now
    let computed = Result { try computeGradient() }
    let hasFailed = if case .failure = computed { true } else { false }
    try reports.share(
      hasFailed: hasFailed, wantsStop: shouldStop(), hasWritten: checkpoints.hasWritten)
    if reports.hasFailed { try communicator.agree(computed) }

    let sum = reports.sum
    let norm = try log.record(.reduction) { try reduce(sum) }
    let learningRate = schedule.learningRate(atStep: step + 1)
    // Every rank has the same numbers, and decides alike.
    let isSkipped = !(sum.nats.isFinite && norm.isFinite)
    if !isSkipped {
      try log.record(.update) {
        try optimizer.update(
          parameters, gradient: accumulator.gradient, gradientScale: gradientScale(sum, norm: norm),
          learningRate: learningRate, step: step + 1)
      }
    }
    step += 1
    skipped.count(isSkipped: isSkipped)
    try record(
      sum, norm: norm, learningRate: learningRate, seconds: (clock.now - start) / .seconds(1))
    if isSkipped { try recordSkip(sum, norm: norm) }
    return reports.wantsStop
  }

  private func record(_ sum: LossSum, norm: Double, learningRate: Double, seconds: Double) throws {
    let record = StepRecord(
      step: step, sum: sum, gradientNorm: norm, learningRate: learningRate, flops: reports.flops,
      seconds: seconds, dataWaitSeconds: reports.dataWaitSeconds, skippedSteps: skipped.total,
      checkpointStallSeconds: checkpointStall, epochs: source.epochs)
    checkpointStall = 0
    try folder?.metrics.append(record.line)
    observe(.step(record))
  }

  /// This rank's part of the step: the gradient of its micro-batches, summed.
  private func computeGradient() throws {
    let owned = tree.owned(byRank: communicator.rank)
    let start = ContinuousClock().now
    let batches = try log.record(.data) { try source.nextStep() }
    reports.record(dataWaitSeconds: (ContinuousClock().now - start) / .seconds(1))
    precondition(batches.count == owned.count, "a source gives as many micro-batches as the rank owns")
    log.record(.computation) {
      accumulator.accumulate(owned) { index, gradient in
        let batch = batches[index - owned.lowerBound]
        let sum = model.lossAndGradient(batch, parameters: parameters.base, gradient: gradient.base)
        reports.record(sum, flops: model.trainingFLOPs(batch), ofMicroBatch: index)
      }
    }
  }

  /// Sums the gradient over the ranks.
  /// - Returns: the norm of the mean gradient over target positions, before clipping.
  private func reduce(_ sum: LossSum) throws -> Double {
    try reducer.reduce(accumulator.gradient)
    return try gradientNorm.norm(accumulator.gradient) / Double(sum.targetPositions)
  }

  /// Clipping, and the division by the global number of target positions (model.md §5).
  private func gradientScale(_ sum: LossSum, norm: Double) -> Double {
    let clip = job.configuration.training.clip
    return (norm > clip ? clip / norm : 1) / Double(sum.targetPositions)
  }
}
