import HATCore
import HATKernels
import HATStorage

/// Brings parameters and moments back from the newest checkpoint that is whole; all ranks choose the same one.
struct CheckpointRestorer {
  let communicator: any Communicator
  let store: CheckpointStore
  let job: TrainingJob
  let sharding: Sharding
  let parameters: ParameterStore
  let optimizer: ShardedOptimizer

  /// - Parameter note: told of each damaged checkpoint that is passed over.
  /// - Returns: nil when the run has no checkpoint yet.
  /// - Throws: `UserError` or `AgreedFailure` when there are checkpoints but none can be used.
  func restoreNewest(note: (String) -> Void) throws -> CheckpointManifest? {
    let steps = try communicator.fromFirstRank { try store.list() }
    for step in steps.reversed() {
      do {
        return try restore(step)
      } catch let failure as AgreedFailure
        where failure.cause.exitCode == UserError.Kind.invalidData.exitCode
      {
        note("THE CHECKPOINT OF STEP \(step) IS PASSED OVER. \(failure.cause)")
      }
    }
    guard steps.isEmpty else {
      throw AgreedFailure(
        rank: 0,
        cause: SharedError(
          UserError(
            .invalidData, at: store.folder.string, "none of its \(steps.count) checkpoints is whole",
            hint: "Restore one from a copy, or train anew into another --output folder.")))
    }
    return nil
  }

  /// Each rank reads what it owns; the parameters are then gathered. Together the ranks verify every byte.
  private func restore(_ step: Int) throws -> CheckpointManifest {
    let manifest = try communicator.together {
      let reader = try store.reader(at: step)
      try requireSameRun(reader)
      try reader.read(.parameters, optimizer.ranges, of: parameters.own.base)
      try reader.read(.firstMoments, optimizer.ranges, of: optimizer.firstMoments.base)
      try reader.read(.secondMoments, optimizer.ranges, of: optimizer.secondMoments.base)
      return reader.manifest
    }
    try parameters.share()
    return manifest
  }

  private func requireSameRun(_ reader: CheckpointReader) throws {
    let (manifest, place) = (reader.manifest, reader.folder.string)
    try manifest.requireSameModel(
      as: job.configuration, splittingRule: job.data.splittingRule, maxWordBytes: job.data.maxWordBytes,
      tokenizerChecksum: job.tokenizer?.checksum, at: place)
    guard manifest.parameterCount == sharding.units.count, manifest.dataFingerprint == job.data.fingerprint
    else {
      throw UserError(
        .configuration, at: place,
        "it is of other data (fingerprint \(manifest.dataFingerprint), here \(job.data.fingerprint))",
        hint: "Name the run's own --data, or choose another --output folder.")
    }
  }
}
