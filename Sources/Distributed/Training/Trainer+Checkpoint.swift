import HATCore

extension Trainer {
  /// Starts writing a checkpoint of the steps done: every rank its slice at once, rank 0 the manifest.
  /// - Parameter isLast: whether no step follows.
  func checkpoint(isLast: Bool) throws {
    log.begin(.checkpoint, step: step)
    try standingStill {
      let manifest = try communicator.together { try manifestWithoutSlices() }
      let files = folder?.lines ?? []
      try checkpoints.begin(
        manifest,
        sections: [parameters.own, optimizer.firstMoments, optimizer.secondMoments], isLast: isLast,
        flush: { for file in files { try file.synchronize() } })
    }
  }

  /// Does what keeps training waiting for a checkpoint, and counts the seconds.
  func standingStill(_ work: () throws -> Void) rethrows {
    let start = ContinuousClock().now
    try work()
    checkpointStall += (ContinuousClock().now - start) / .seconds(1)
  }

  private func manifestWithoutSlices() throws -> CheckpointManifest {
    CheckpointManifest(
      step: step, configuration: job.configuration, splittingRule: job.data.splittingRule,
      maxWordBytes: job.data.maxWordBytes, dataFingerprint: job.data.fingerprint,
      cursor: try source.cursor(), tokenizerChecksum: job.tokenizer?.checksum, tensors: model.tensors)
  }
}
