import Foundation
import HATCore
import HATKernels

/// Writes checkpoints while training goes on.
///
/// `begin` copies what a rank owns into a staging buffer, from which a thread brings it to the disk. With every step
/// the ranks tell each other whose slice is there; when all are, `advance` gathers what the manifest says of them,
/// and a thread of rank 0 writes it. Until then there is no checkpoint: a run killed at any moment has its last whole
/// one. What a thread throws, every rank throws at the next call that waits for it.
final class CheckpointWriter {
  /// All ranks are in the same state.
  private enum State {
    case idle
    case writing(CheckpointManifest, BackgroundTask<CheckpointSlice?>)
    /// Only rank 0 has a task.
    case committing(BackgroundTask<Void>?)
  }

  private let communicator: any Communicator
  private let store: CheckpointStore
  private let slices: RankPartition
  private let keep: Int
  /// Told on rank 0 of each checkpoint that is there, with the seconds since it was begun.
  private let report: (_ step: Int, _ seconds: Double) -> Void
  private var state = State.idle
  private var begun: (step: Int, at: ContinuousClock.Instant)?
  /// Parameters, first and second moments of this rank's slice. [3, slice]
  private let staging: FloatBuffer

  init(
    communicator: any Communicator, store: CheckpointStore, slices: RankPartition, keep: Int,
    report: @escaping (_ step: Int, _ seconds: Double) -> Void
  ) {
    self.communicator = communicator
    self.store = store
    self.slices = slices
    self.keep = keep
    self.report = report
    staging = FloatBuffer(zeroed: Self.stagingFloats(slice: slices.count(ofRank: communicator.rank)))
  }

  deinit {
    // A thread must not write into a run that another training has taken over.
    switch state {
    case .idle: break
    case .writing(_, let task): _ = try? task.wait()
    case .committing(let task): try? task?.wait()
    }
  }

  /// Floats set aside for the copy of a slice.
  static func stagingFloats(slice: Int) -> Int { CheckpointSection.allCases.count * slice }

  /// Whether this rank's slice of the checkpoint under way, if there is one, is on the disk.
  var hasWritten: Bool {
    if case .writing(_, let task) = state { task.isDone } else { true }
  }

  /// Starts a checkpoint, after waiting for the one before it where that is not yet there.
  /// - Parameters:
  ///   - manifest: without slices.
  ///   - sections: this rank's slice, in the order of `CheckpointSection`, each [slice].
  ///   - flush: brings to the disk, on the thread, what must be there before the checkpoint is.
  func begin(
    _ manifest: CheckpointManifest, sections: [UnsafePointer<Float>],
    flush: @escaping @Sendable () throws -> Void
  ) throws {
    try finish()
    begun = (manifest.step, ContinuousClock().now)
    let range = slices[communicator.rank]
    for (section, source) in sections.enumerated() {
      (staging.base + section * range.count).update(from: source, count: range.count)
    }
    try communicator.together {
      if communicator.rank == 0 { try store.begin(step: manifest.step) }
    }
    let index = slices.ranges[..<communicator.rank].count { !$0.isEmpty }
    let task = BackgroundTask { [store, staging] in
      try flush()
      return range.isEmpty
        ? nil
        : try store.writeSlice(
          step: manifest.step, index: index, range: range, parameters: staging.base,
          firstMoments: staging.base + range.count, secondMoments: staging.base + 2 * range.count)
    }
    state = .writing(manifest, task)
  }

  /// Takes the checkpoint under way a step further, if that needs no waiting.
  /// - Parameter allHaveWritten: whether every rank's `hasWritten` was true, the same on all.
  func advance(allHaveWritten: Bool) throws {
    switch state {
    case .idle: break
    case .writing: if allHaveWritten { try commit() }
    case .committing(let task): if let task, task.isDone { reportSuccess(of: task) }
    }
  }

  /// Waits until the checkpoint under way, if there is one, is there.
  func finish() throws {
    if case .writing = state { try commit() }
    guard case .committing(let task) = state else { return }
    state = .idle
    try communicator.together { try task?.wait() }
    if let task { reportSuccess(of: task) }
  }

  /// Waits for all slices and leaves the manifest to rank 0.
  private func commit() throws {
    guard case .writing(var manifest, let task) = state else { preconditionFailure("slices are under way") }
    state = .idle
    manifest.slices = try gather(try communicator.together { try task.wait() })
    state = .committing(
      communicator.rank == 0
        ? BackgroundTask { [store, keep, manifest] in try store.commit(manifest, keep: keep) } : nil)
  }

  private func gather(_ own: CheckpointSlice?) throws -> [CheckpointSlice] {
    let piece = try own.map { try JSONEncoder().encode($0) } ?? Data()
    let pieces = try piece.withUnsafeBytes { try communicator.allGather($0) }
    return try pieces.filter { !$0.isEmpty }.map {
      try JSONDecoder().decode(CheckpointSlice.self, from: Data($0))
    }
  }

  /// Once for each checkpoint; what went wrong is left for `finish` to throw.
  private func reportSuccess(of task: BackgroundTask<Void>) {
    guard let begun, (try? task.wait()) != nil else { return }
    report(begun.step, (ContinuousClock().now - begun.at) / .seconds(1))
    self.begun = nil
  }
}
