import Dispatch

/// Brings finished units to the disk while the next one is made: flushing takes a disk long, and a core nothing.
///
/// One unit at a time, so that no more than one waits. Unchecked: `failure` is touched on the queue alone.
final class UnitCommitter: @unchecked Sendable {
  private let queue = DispatchQueue(label: "units to the disk")
  private var failure: (any Error)?

  /// Waits for the unit before, and begins with this one.
  /// - Throws: what went wrong with a unit before.
  func commit(_ unit: FinishedUnit) throws {
    try wait()
    queue.async {
      do {
        try unit.commit()
      } catch {
        self.failure = error
      }
    }
  }

  /// Returns when all is on the disk.
  /// - Throws: what went wrong.
  func wait() throws {
    if let failure = queue.sync(execute: { failure }) { throw failure }
  }
}

/// The shards of a unit, written but not yet flushed, and its record. Unchecked: whoever made it lets go of it.
struct FinishedUnit: @unchecked Sendable {
  var writers: [ShardWriter]
  var record: UnitRecord
  var folder: WorkFolder

  /// Gives the shards their names, then writes the record.
  /// - Throws: `UserError` of kind `cannotWrite`; then nothing is left that takes room.
  func commit() throws {
    do {
      for writer in writers { try writer.commit() }
      try JSONFile.write(record, to: folder.resultPath(record.unit, .shards))
    } catch {
      for writer in writers { writer.abandon() }
      throw error
    }
  }
}
