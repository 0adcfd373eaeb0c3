import HATCore
import HATKernels

/// Writes checkpoints while training continues.
///
/// `begin` copies what a rank owns into a staging buffer, and a thread writes it to disk. The last checkpoint needs no copy.
/// At every step the ranks share whether their slices are written; when all are, `advance` gathers their descriptions for
/// the manifest, and a thread of rank 0 writes it. The checkpoint does not exist before that, so a run that is killed at
/// any moment keeps its previous one. If a thread throws, every rank throws the error at the next call that waits for it.
final class CheckpointWriter {
  /// The same on all ranks.
  private enum State {
    case idle
    case writing(CheckpointManifest, BackgroundTask<CheckpointSlice?>)
    /// Only rank 0 has a task.
    case committing(BackgroundTask<Void>?)
  }

  private let communicator: any Communicator
  private let store: CheckpointStore
  /// The parameters this rank owns, and its number among the ranks that own any.
  private let slice: (number: Int, ranges: [Range<Int>])
  /// Flat buffers of the parameters and the optimiser state, of which this rank's slice exists.
  private let sections: [StateBuffer]
  private let keep: Int
  /// Called on rank 0 with each finished checkpoint and the seconds it took.
  private let report: (_ step: Int, _ seconds: Double) -> Void
  private var state = State.idle
  private var begun: (step: Int, at: ContinuousClock.Instant)?
  /// A copy of this rank's slice, section by section.
  private let staging: FloatBuffer

  /// - Parameters:
  ///   - slice: the ranges of parameters this rank owns, and its number among the ranks that own any.
  ///   - sections: flat buffers of the parameters and the optimiser state, of which the slice exists.
  ///   - every: steps between checkpoints; 0 if only the last one is written.
  init(
    communicator: any Communicator, store: CheckpointStore, slice: (number: Int, ranges: [Range<Int>]),
    sections: [StateBuffer], keep: Int, every: Int,
    report: @escaping (_ step: Int, _ seconds: Double) -> Void
  ) {
    self.communicator = communicator
    self.store = store
    self.slice = slice
    self.sections = sections
    self.keep = keep
    self.report = report
    staging = FloatBuffer(
      zeroed: Self.stagingFloats(share: sections.map(\.section).floats(of: slice.ranges), every: every))
  }

  /// Waits until no thread writes any more, whatever became of the checkpoint. Not collective.
  func waitForThread() {
    switch state {
    case .idle: break
    case .writing(_, let task): _ = try? task.wait()
    case .committing(let task): try? task?.wait()
    }
  }

  /// Floats needed to copy the `share` floats a rank owns: none if only the last checkpoint is written.
  static func stagingFloats(share: Int, every: Int) -> Int { every > 0 ? share : 0 }

  /// Whether this rank's slice of the pending checkpoint, if any, is on disk.
  var hasWritten: Bool {
    if case .writing(_, let task) = state { task.isDone } else { true }
  }

  /// Starts a checkpoint. The previous one must be finished.
  /// - Parameters:
  ///   - manifest: without slices.
  ///   - isLast: whether the sections stay unchanged until `finish` returns.
  ///   - flush: called on the thread; writes to disk what must be there before the checkpoint.
  func begin(
    _ manifest: CheckpointManifest, isLast: Bool, flush: @escaping @Sendable () throws -> Void
  ) throws {
    guard case .idle = state else { preconditionFailure("the previous checkpoint is under way") }
    begun = (manifest.step, ContinuousClock().now)
    let pieces = isLast ? piecesInPlace : copiedPieces()
    try communicator.onFirstRank { try store.begin(step: manifest.step) }
    let task = BackgroundTask { [store, slice, sections = sections.map(\.section)] () -> CheckpointSlice? in
      try flush()
      if slice.ranges.isEmpty { return nil }
      return try store.writeSlice(
        step: manifest.step, index: slice.number, ranges: slice.ranges, sections: sections
      ) { UnsafeBufferPointer(pieces.floats($0, $1)) }
    }
    state = .writing(manifest, task)
  }

  /// The original floats of each section and range.
  private var piecesInPlace: Pieces {
    Pieces(
      pieces: sections.map { section in slice.ranges.map(section.floats(of:)) },
      owners: sections.map(\.floats))
  }

  private func copiedPieces() -> Pieces {
    precondition(
      staging.count >= sections.map(\.section).floats(of: slice.ranges),
      "only the last checkpoint needs no copy")
    var place = 0
    let copies = piecesInPlace.pieces.map { pieces in
      pieces.map { piece in
        let copy = UnsafeMutableBufferPointer(rebasing: staging.elements[place..<place + piece.count])
        _ = copy.update(fromContentsOf: piece)
        place += piece.count
        return copy
      }
    }
    return Pieces(pieces: copies, owners: [staging])
  }

  /// Advances the pending checkpoint as far as possible without waiting.
  /// - Parameter allHaveWritten: whether every rank's `hasWritten` was true, the same on all.
  func advance(allHaveWritten: Bool) throws {
    switch state {
    case .idle: break
    case .writing: if allHaveWritten { try commit() }
    case .committing(let task): if let task, task.isDone { reportSuccess(of: task) }
    }
  }

  /// Waits until the pending checkpoint, if any, is complete.
  func finish() throws {
    if case .writing = state { try commit() }
    guard case .committing(let task) = state else { return }
    state = .idle
    try communicator.together { try task?.wait() }
    if let task { reportSuccess(of: task) }
  }

  /// Waits for all slices, then starts to write the manifest on rank 0.
  private func commit() throws {
    guard case .writing(var manifest, let task) = state else { preconditionFailure("slices are under way") }
    state = .idle
    let own = try communicator.together { try task.wait() }
    manifest.slices = try communicator.allGather(own).compactMap(\.self)
    state = .committing(
      communicator.rank == 0
        ? BackgroundTask { [store, keep, manifest] in try store.commit(manifest, keep: keep) } : nil)
  }

  /// Once for each checkpoint. Errors are left for `finish` to throw.
  private func reportSuccess(of task: BackgroundTask<Void>) {
    guard let begun, (try? task.wait()) != nil else { return }
    report(begun.step, (ContinuousClock().now - begun.at) / .seconds(1))
    self.begun = nil
  }
}

/// The floats that a thread writes.
private struct Pieces: @unchecked Sendable {
  /// By section and range.
  let pieces: [[UnsafeMutableBufferPointer<Float>]]
  let owners: [FloatBuffer]

  func floats(_ section: Int, _ range: Int) -> UnsafeMutableBufferPointer<Float> { pieces[section][range] }
}
