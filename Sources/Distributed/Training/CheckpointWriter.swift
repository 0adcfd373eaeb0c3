import Foundation
import HATCore
import HATKernels

/// Writes checkpoints while training goes on.
///
/// `begin` copies what a rank owns into a staging buffer, from which a thread brings it to the disk; where training is at
/// its end, from where it lies. With every step the ranks tell each other whose slice is there; when all are, `advance`
/// gathers what the manifest says of them, and a thread of rank 0 writes it. Until then there is no checkpoint: a run
/// killed at any moment has its last whole one. What a thread throws, every rank throws at the next call that waits for it.
final class CheckpointWriter {
  /// All ranks are in the same state.
  private enum State {
    case idle
    case writing(CheckpointManifest, BackgroundTask<[CheckpointSlice]>)
    /// Only rank 0 has a task.
    case committing(BackgroundTask<Void>?)
  }

  private let communicator: any Communicator
  private let store: CheckpointStore
  /// This rank's, with their numbers among all ranks'.
  private let slices: [(number: Int, range: Range<Int>)]
  private let keep: Int
  /// Told on rank 0 of each checkpoint that is there, with the seconds since it was begun.
  private let report: (_ step: Int, _ seconds: Double) -> Void
  private var state = State.idle
  private var begun: (step: Int, at: ContinuousClock.Instant)?
  /// Of each slice parameters, first and second moments, slice after slice.
  private let staging: FloatBuffer

  /// - Parameter every: steps between checkpoints; 0: only the last is written.
  init(
    communicator: any Communicator, store: CheckpointStore, slices: [(number: Int, range: Range<Int>)],
    keep: Int, every: Int, report: @escaping (_ step: Int, _ seconds: Double) -> Void
  ) {
    self.communicator = communicator
    self.store = store
    self.slices = slices
    self.keep = keep
    self.report = report
    staging = FloatBuffer(
      zeroed: Self.stagingFloats(share: slices.reduce(0) { $0 + $1.range.count }, every: every))
  }

  deinit {
    // A thread must not write into a run that another training has taken over.
    switch state {
    case .idle: break
    case .writing(_, let task): _ = try? task.wait()
    case .committing(let task): try? task?.wait()
    }
  }

  /// Floats set aside for the copy of all slices of a rank, `share` floats together: none where only the last checkpoint
  /// is written, which needs no copy.
  static func stagingFloats(share: Int, every: Int) -> Int {
    every > 0 ? CheckpointSection.allCases.count * share : 0
  }

  /// Whether this rank's slice of the checkpoint under way, if there is one, is on the disk.
  var hasWritten: Bool {
    if case .writing(_, let task) = state { task.isDone } else { true }
  }

  /// Starts a checkpoint, after waiting for the one before it where that is not yet there.
  /// - Parameters:
  ///   - manifest: without slices.
  ///   - sections: flat buffers, in the order of `CheckpointSection`, good for this rank's slices.
  ///   - isLast: whether they stay as they are until `finish` returns.
  ///   - flush: brings to the disk, on the thread, what must be there before the checkpoint is.
  func begin(
    _ manifest: CheckpointManifest, sections: [FloatBuffer], isLast: Bool,
    flush: @escaping @Sendable () throws -> Void
  ) throws {
    try finish()
    begun = (manifest.step, ContinuousClock().now)
    let source = isLast ? Source.inPlace(sections) : copy(sections)
    try communicator.together {
      if communicator.rank == 0 { try store.begin(step: manifest.step) }
    }
    let task = BackgroundTask { [store, slices] in
      try flush()
      var offset = 0
      return try slices.map { number, range in
        defer { offset += range.count }
        let sections = source.sections(of: range, behind: offset)
        return try store.writeSlice(
          step: manifest.step, index: number, range: range, parameters: sections[0],
          firstMoments: sections[1], secondMoments: sections[2])
      }
    }
    state = .writing(manifest, task)
  }

  private func copy(_ sections: [FloatBuffer]) -> Source {
    let share = slices.reduce(0) { $0 + $1.range.count }
    precondition(staging.count >= sections.count * share, "only the last checkpoint needs no copy")
    var place = staging.base
    for (_, range) in slices {
      for section in sections {
        place.update(from: section.base + range.lowerBound, count: range.count)
        place += range.count
      }
    }
    return .copy(staging)
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

  /// Every rank's slices, in the order of the buffer.
  private func gather(_ own: [CheckpointSlice]) throws -> [CheckpointSlice] {
    let pieces = try JSONEncoder().encode(own).withUnsafeBytes { try communicator.allGather($0) }
    return try pieces.flatMap { try JSONDecoder().decode([CheckpointSlice].self, from: Data($0)) }
      .sorted { $0.start < $1.start }
  }

  /// Once for each checkpoint; what went wrong is left for `finish` to throw.
  private func reportSuccess(of task: BackgroundTask<Void>) {
    guard let begun, (try? task.wait()) != nil else { return }
    report(begun.step, (ContinuousClock().now - begun.at) / .seconds(1))
    self.begun = nil
  }
}

/// Where a thread finds the sections of a checkpoint.
private enum Source: Sendable {
  /// Of each slice its sections, slice after slice.
  case copy(FloatBuffer)
  /// A flat buffer for each section.
  case inPlace([FloatBuffer])

  /// - Parameter offset: floats of the slices before this one.
  func sections(of range: Range<Int>, behind offset: Int) -> [UnsafePointer<Float>] {
    switch self {
    case .copy(let buffer):
      let base = buffer.base + CheckpointSection.allCases.count * offset
      return CheckpointSection.allCases.indices.map { UnsafePointer(base + $0 * range.count) }
    case .inPlace(let buffers): return buffers.map { UnsafePointer($0.base + range.lowerBound) }
    }
  }
}
