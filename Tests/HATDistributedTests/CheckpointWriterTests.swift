import DistributedTestSupport
import Foundation
import HATKernels
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
  private func write(_ values: FloatBuffer, opening gate: DispatchSemaphore) throws -> [String] {
    let reports = Reports()
    let writer = CheckpointWriter(
      communicator: SoloCommunicator(), store: store, slices: [(0, 0..<values.count)], keep: 1, every: 1
    ) { step, _ in reports.add("step \(step)") }
    try writer.begin(
      manifest(step: 1, count: values.count), sections: [values, values, values], isLast: false,
      flush: { gate.wait() })
    values.elements.update(repeating: -1)
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
    let values = buffer(0..<5000)
    #expect(try write(values, opening: DispatchSemaphore(value: 0)) == ["step 1"])
    #expect(try section(.parameters, of: 1, count: 5000) == (0..<5000).map(Float.init))
  }

  @Test func theLastNeedsNoRoomForACopy() throws {
    let writer = CheckpointWriter(
      communicator: SoloCommunicator(), store: store, slices: [(0, 0..<10), (1, 10..<4000)], keep: 1, every: 0
    ) { _, _ in }
    try writer.begin(
      manifest(step: 7, count: 4000),
      sections: [buffer(0..<4000), buffer(4000..<8000), buffer(8000..<12000)],
      isLast: true, flush: {})
    try writer.finish()
    #expect(try section(.parameters, of: 7, count: 4000) == (0..<4000).map(Float.init))
    #expect(try section(.firstMoments, of: 7, count: 4000) == (4000..<8000).map(Float.init))
    #expect(try section(.secondMoments, of: 7, count: 4000) == (8000..<12000).map(Float.init))
  }

  private func buffer(_ values: Range<Int>) -> FloatBuffer {
    let buffer = FloatBuffer(zeroed: values.count)
    for (index, value) in values.enumerated() { buffer.base[index] = Float(value) }
    return buffer
  }

  private func section(_ section: CheckpointSection, of step: Int, count: Int) throws -> [Float] {
    let (reader, read) = (try store.reader(at: step), FloatBuffer(zeroed: count))
    try reader.verify()
    try reader.read(section, 0..<count, into: read.base)
    return Array(read.elements)
  }

  @Test func anErrorOfTheThreadSurfacesOnEveryRank() throws {
    let (folder, error) = (folder.path, UserError(.cannotWrite, at: "disk", "it is full", hint: "Free some."))
    let failures = try ThreadCommunicator.run(size: 3) { communicator in
      let writer = CheckpointWriter(
        communicator: communicator, store: CheckpointStore(run: FilePath(folder)),
        slices: [(communicator.rank, RankPartition(count: 30, ranks: 3)[communicator.rank])], keep: 1,
        every: 1
      ) { _, _ in Issue.record("nothing was written") }
      let values = FloatBuffer(zeroed: 30)
      try writer.begin(
        manifest(step: 1, count: 30), sections: [values, values, values], isLast: false,
        flush: { [rank = communicator.rank] in if rank == 1 { throw error } })
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
