import HATCore

extension Trainer {
  /// One optimiser step.
  /// - Returns: whether some rank has been asked to stop.
  public func trainStep(shouldStop: () -> Bool) throws -> Bool {
    let start = ContinuousClock().now
    _ = clock.read()
    try computeGradient()
    try reports.share(wantsStop: shouldStop(), hasWritten: checkpoints.hasWritten)

    let sum = reports.sum
    let norm = try norm(sum)
    let learningRate = schedule.learningRate(atStep: step + 1)
    // Every rank has the same numbers, and decides alike.
    let isSkipped = !(sum.nats.isFinite && norm.isFinite)
    if !isSkipped {
      try update(gradientScale: gradientScale(sum, norm: norm), learningRate: learningRate)
    }
    step += 1
    skipped.count(isSkipped: isSkipped)
    try record(
      sum, norm: norm, learningRate: learningRate, seconds: (ContinuousClock().now - start) / .seconds(1))
    if isSkipped { try recordSkip(sum, norm: norm) }
    return reports.wantsStop
  }

  private func record(_ sum: LossSum, norm: Double, learningRate: Double, seconds: Double) throws {
    let record = StepRecord(
      step: step, sum: sum, gradientNorm: norm, learningRate: learningRate, flops: reports.flops,
      seconds: seconds, dataWaitSeconds: reports.dataWaitSeconds, skippedSteps: skipped.total,
      checkpointStallSeconds: checkpointStall, epochs: source.epochs, phases: clock.read())
    checkpointStall = 0
    if let folder {
      record.write(to: &line)
      try folder.metrics.append(line)
    }
    observe(.step(record))
  }

  /// The gradient of the step's micro-batches, summed over them and over the ranks.
  private func computeGradient() throws {
    let start = ContinuousClock().now
    let next = Result { try log.record(.data) { try clock.during(.data) { try source.nextStep() } } }
    reports.record(dataWaitSeconds: (ContinuousClock().now - start) / .seconds(1))
    // Agreed before the ranks begin to wait for each other's gradients.
    let batches = try communicator.agree(next)
    precondition(batches.count == owned.count, "a source gives as many micro-batches as the rank owns")
    try log.record(.computation) {
      try gradients.accumulate(with: parameters) { number, memory in
        let sum = try model.lossAndGradient(batches[number], memory)
        reports.record(sum, flops: model.trainingFLOPs(batches[number]), ofMicroBatch: owned[number])
      }
    }
  }

  /// Updates what is this rank's to update, and makes it known.
  private func update(gradientScale: Double, learningRate: Double) throws {
    try log.record(.update) {
      clock.during(.update) {
        optimizer.update(
          parameters.own.base, gradient: gradients.sum.base, gradientScale: gradientScale,
          learningRate: learningRate, step: step + 1)
      }
      try parameters.share()
    }
  }

  /// The norm of the mean gradient over target positions, before clipping.
  private func norm(_ sum: LossSum) throws -> Double {
    try log.record(.reduction) {
      try clock.during(.reduction) {
        try gradientNorm.norm(gradients.sum.base) / Double(sum.targetPositions)
      }
    }
  }

  /// Clipping, and the division by the global number of target positions (model.md §5).
  private func gradientScale(_ sum: LossSum, norm: Double) -> Double {
    let clip = job.configuration.training.clip
    return (norm > clip ? clip / norm : 1) / Double(sum.targetPositions)
  }
}
