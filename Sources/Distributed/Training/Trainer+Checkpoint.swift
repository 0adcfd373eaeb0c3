import Foundation
import HATCore
import HATKernels

extension Trainer {
  /// Writes a checkpoint of the steps done: every rank its slice at once, rank 0 the manifest.
  func checkpoint() throws {
    let start = ContinuousClock().now
    try communicator.together {
      guard let folder else { return }
      try folder.metrics.synchronize()
      try folder.evaluations.synchronize()
      try store.begin(step: step)
    }
    let slices = try gatherSlices(try communicator.together { try writeOwnSlices() })
    try communicator.together {
      guard communicator.rank == 0 else { return }
      try store.commit(try manifest(slices), keep: job.configuration.output.keep)
    }
    observe(.checkpointed(step: step, seconds: (ContinuousClock().now - start) / .seconds(1)))
  }

  private func manifest(_ slices: [CheckpointSlice]) throws -> CheckpointManifest {
    CheckpointManifest(
      step: step, configuration: job.configuration, splittingRule: job.data.splittingRule,
      maxWordBytes: job.data.maxWordBytes, dataFingerprint: job.data.fingerprint,
      cursor: try source.cursor(), tensors: model.tensors, slices: slices)
  }

  private func writeOwnSlices() throws -> [CheckpointSlice] {
    try sharding.table.numberedSlices(ofRank: communicator.rank).map { number, range in
      try store.writeSlice(
        step: step, index: number, range: range, parameters: parameters.own.base + range.lowerBound,
        firstMoments: optimizer.firstMoments.base + range.lowerBound,
        secondMoments: optimizer.secondMoments.base + range.lowerBound)
    }
  }

  private func gatherSlices(_ own: [CheckpointSlice]) throws -> [CheckpointSlice] {
    let pieces = try JSONEncoder().encode(own).withUnsafeBytes { try communicator.allGather($0) }
    return try pieces.flatMap { try JSONDecoder().decode([CheckpointSlice].self, from: Data($0)) }
      .sorted { $0.start < $1.start }
  }
}
