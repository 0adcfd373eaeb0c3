import HATCore
import HATStorage

extension Trainer {
  /// Starts writing a checkpoint of the current step.
  /// - Parameter isLast: whether no further step follows.
  func checkpoint(isLast: Bool) throws {
    try standingStill {
      log.begin(.writing, step: step)
      try checkpoints.finish()
      log.begin(.checkpoint, step: step)
      let manifest = try communicator.together { try manifestWithoutSlices() }
      let files = folder?.lines ?? []
      try checkpoints.begin(
        manifest, isLast: isLast, flush: { for file in files { try file.synchronize() } })
    }
  }

  /// Measures work on a checkpoint that training waits for.
  func standingStill(_ work: () throws -> Void) rethrows {
    let start = ContinuousClock().now
    try work()
    checkpointStall += (ContinuousClock().now - start) / .seconds(1)
  }

  private func manifestWithoutSlices() throws -> CheckpointManifest {
    CheckpointManifest(
      step: step, configuration: job.configuration, splittingRule: job.data.splittingRule,
      maxWordBytes: job.data.maxWordBytes, dataFingerprint: job.data.fingerprint,
      cursor: try source.cursor(), tokenizerChecksum: job.tokenizer?.checksum, template: template,
      sections: sections)
  }
}

/// Restores parameters and optimiser state from the newest valid checkpoint, the same one on all ranks.
struct CheckpointRestorer {
  let communicator: any Communicator
  let log: OperationLog
  let store: CheckpointStore
  let job: TrainingJob
  let parameters: ParameterStore
  /// The parameters this rank updates.
  let ranges: [Range<Int>]
  /// Flat buffers of the parameters and the optimiser state, of which `ranges` exist.
  let sections: [StateBuffer]

  /// - Parameter note: called with each damaged checkpoint that is skipped.
  /// - Returns: nil if the run has no checkpoint yet.
  /// - Throws: `UserError` or `AgreedFailure` if there are checkpoints but none can be used.
  func restoreNewest(note: (String) -> Void) throws -> CheckpointManifest? {
    let steps = try communicator.onFirstRank { try store.list() }
    for step in steps.reversed() {
      do {
        return try restore(step)
      } catch let failure as AgreedFailure
        where failure.cause.exitCode == UserError.Kind.invalidData.exitCode
      {
        note("the checkpoint of step \(step) is damaged and is skipped. \(failure.cause)")
      }
    }
    guard steps.isEmpty else {
      throw AgreedFailure(
        rank: 0,
        cause: SharedError(
          UserError(
            .invalidData, at: store.folder.string, "none of its \(steps.count) checkpoints is valid",
            hint: "Restore one from a copy, or start again in another `output` folder.")))
    }
    return nil
  }

  /// Each rank reads its own share, then the parameters are gathered. Between them the ranks verify every byte.
  private func restore(_ step: Int) throws -> CheckpointManifest {
    let reader = try communicator.together {
      let reader = try store.reader(at: step)
      try requireSameRun(reader)
      return reader
    }
    // The ranks wait for each other after each section, so that the time limit is one for a section: a slow disk is no hang.
    for (index, section) in sections.enumerated() {
      log.begin(.start, step: step)
      try communicator.together { try reader.read(index, ranges, into: section.floats) }
    }
    log.begin(.start, step: step)
    try parameters.share()
    return reader.manifest
  }

  private func requireSameRun(_ reader: CheckpointReader) throws {
    let (manifest, place) = (reader.manifest, reader.folder.string)
    try manifest.requireSameModel(
      as: job.configuration, splittingRule: job.data.splittingRule, maxWordBytes: job.data.maxWordBytes,
      tokenizerChecksum: job.tokenizer?.checksum, at: place)
    guard reader.sections == sections.map(\.section) else {
      throw UserError(
        .configuration, at: place, "it holds the state of a different optimiser or model",
        hint: "Use the run's own configuration, or choose another `output` folder.")
    }
    guard manifest.dataFingerprint == job.data.fingerprint else {
      throw UserError(
        .configuration, at: place,
        "it was trained on other data (fingerprint \(manifest.dataFingerprint), here \(job.data.fingerprint))",
        hint: "Use the run's own `data`, or choose another `output` folder.")
    }
  }
}
