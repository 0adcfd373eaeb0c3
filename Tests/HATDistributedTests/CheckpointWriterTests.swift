import Foundation
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATCore
@testable import HATDistributed

/// Checkpoints that are written while training goes on.
@Suite struct CheckpointWriterTests {
  private let folder = TemporaryFolder()
  private var store: CheckpointStore { CheckpointStore(run: FilePath(folder.path)) }

  private func manifest(step: Int, count: Int) -> CheckpointManifest {
    CheckpointManifest(
      step: step, configuration: Configuration(), splittingRule: "toy", maxWordBytes: 1,
      dataFingerprint: "toy",
      cursor: "",
      tensors: [ParameterTensor(name: "a", shape: [count], range: 0..<count, initialDeviation: nil)])
  }

  /// One rank that owns `values`, which it changes while its checkpoint waits at a gate.
  private func write(_ values: inout [Float], opening gate: DispatchSemaphore) throws -> [String] {
    let reports = Reports()
    let writer = CheckpointWriter(
      communicator: SoloCommunicator(), store: store, slices: [(0, 0..<values.count)], keep: 1
    ) { step, _ in reports.add("step \(step)") }
    try values.withUnsafeBufferPointer { buffer in
      let section = buffer.baseAddress!
      try writer.begin(
        manifest(step: 1, count: buffer.count), sections: [section, section, section],
        flush: { gate.wait() })
    }
    for index in values.indices { values[index] = -1 }
    #expect(!writer.hasWritten)
    try writer.advance(allHaveWritten: writer.hasWritten)
    #expect(try store.list() == [] && reports.all == [])
    gate.signal()
    while !writer.hasWritten { usleep(1000) }
    try writer.advance(allHaveWritten: true)
    while reports.all.isEmpty {
      try writer.advance(allHaveWritten: true)
      usleep(1000)
    }
    try writer.finish()
    return reports.all
  }

  @Test func theStateIsThatOfTheMomentItWasBegun() throws {
    let original = (0..<5000).map(Float.init)
    var values = original
    #expect(try write(&values, opening: DispatchSemaphore(value: 0)) == ["step 1"])
    var read = [Float](repeating: 0, count: original.count)
    let reader = try store.reader(at: 1)
    try reader.verify()
    try read.withUnsafeMutableBufferPointer { try reader.readParameters(into: $0.baseAddress!) }
    #expect(read == original)
  }

  @Test func anErrorOfTheThreadSurfacesOnEveryRank() throws {
    let (folder, error) = (folder.path, UserError(.cannotWrite, at: "disk", "it is full", hint: "Free some."))
    let failures = try ThreadCommunicator.run(size: 3) { communicator in
      let writer = CheckpointWriter(
        communicator: communicator, store: CheckpointStore(run: FilePath(folder)),
        slices: [(communicator.rank, RankPartition(count: 30, ranks: 3)[communicator.rank])], keep: 1
      ) { _, _ in Issue.record("nothing was written") }
      let values = [Float](repeating: 1, count: 30)
      try values.withUnsafeBufferPointer { buffer in
        let section = buffer.baseAddress!
        try writer.begin(
          manifest(step: 1, count: 30), sections: [section, section, section],
          flush: { [rank = communicator.rank] in if rank == 1 { throw error } })
      }
      let failure = #expect(throws: AgreedFailure.self) { try writer.finish() }
      try writer.finish()
      return failure
    }
    #expect(failures == Array(repeating: AgreedFailure(rank: 1, cause: SharedError(error)), count: 3))
    #expect(try store.list() == [])
  }
}

private final class Reports: @unchecked Sendable {
  private let lock = NSLock()
  private var reports: [String] = []

  var all: [String] { lock.withLock { reports } }

  func add(_ report: String) { lock.withLock { reports.append(report) } }
}
