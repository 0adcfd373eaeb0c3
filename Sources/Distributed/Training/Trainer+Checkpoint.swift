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
    let slices = try gatherSlices(try communicator.together { try writeOwnSlice() })
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

  /// - Returns: nil where this rank owns nothing.
  private func writeOwnSlice() throws -> CheckpointSlice? {
    let range = table.slices[communicator.rank]
    guard !range.isEmpty else { return nil }
    let moment = range.lowerBound - optimizer.momentRange.lowerBound
    return try store.writeSlice(
      step: step, index: table.slices.ranges[..<communicator.rank].count { !$0.isEmpty }, range: range,
      parameters: parameters.base + range.lowerBound,
      firstMoments: optimizer.firstMoments.base + moment,
      secondMoments: optimizer.secondMoments.base + moment)
  }

  private func gatherSlices(_ own: CheckpointSlice?) throws -> [CheckpointSlice] {
    let piece = try own.map { try JSONEncoder().encode($0) } ?? Data()
    let pieces = try piece.withUnsafeBytes { try communicator.allGather($0) }
    return try pieces.filter { !$0.isEmpty }.map {
      try JSONDecoder().decode(CheckpointSlice.self, from: Data($0))
    }
  }
}
