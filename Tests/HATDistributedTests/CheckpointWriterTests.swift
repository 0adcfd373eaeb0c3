import DistributedTestSupport
import Foundation
import HATKernels
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATCore
@testable import HATDistributed

/// Checkpoints that are written during training.
@Suite struct CheckpointWriterTests {
  private let folder = TemporaryFolder()
  private var store: CheckpointStore { CheckpointStore(run: FilePath(folder.path)) }

  /// Flat buffers of one tensor of `count` floats: parameters and two moments.
  private func sections(_ buffers: [FloatBuffer]) -> [StateBuffer] {
    let table = TensorTable([
      Tensor(
        name: "a", shape: [buffers[0].count], role: .hiddenMatrix, unit: .front,
        initialValues: .normal(deviation: 1), start: 0)
    ])
    let sections =
      [.parameters(table)] + StateSection.all(of: TrainingConfiguration().optimizerRule, table)
    return zip(sections, buffers).map { StateBuffer($0, $1) }
  }

  private func manifest(step: Int, _ sections: [StateBuffer]) -> CheckpointManifest {
    CheckpointManifest(
      step: step, configuration: Configuration(), splittingRule: "toy", maxWordBytes: 64,
      dataFingerprint: "toy",
      cursor: "", sections: sections.map(\.section))
  }

  /// One rank that owns `values`, which it changes while its checkpoint waits at a gate.
  private func write(_ values: FloatBuffer, opening gate: DispatchSemaphore) throws -> [String] {
    let (reports, sections) = (Reports(), sections([values, values, values]))
    let writer = CheckpointWriter(
      communicator: SoloCommunicator(), store: store, slice: (0, [0..<values.count]), sections: sections,
      keep: 1, every: 1
    ) { step, _ in reports.add("step \(step)") }
    try writer.begin(manifest(step: 1, sections), isLast: false, flush: { gate.wait() })
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
    #expect(try section(0, of: 1, count: 5000) == (0..<5000).map(Float.init))
  }

  @Test func theLastNeedsNoRoomForACopy() throws {
    let sections = sections([buffer(0..<4000), buffer(4000..<8000), buffer(8000..<12000)])
    let writer = CheckpointWriter(
      communicator: SoloCommunicator(), store: store, slice: (0, [0..<10, 10..<4000]), sections: sections,
      keep: 1, every: 0
    ) { _, _ in }
    try writer.begin(manifest(step: 7, sections), isLast: true, flush: {})
    try writer.finish()
    for (index, values) in [0..<4000, 4000..<8000, 8000..<12000].enumerated() {
      #expect(try section(index, of: 7, count: 4000) == values.map(Float.init))
    }
  }

  private func buffer(_ values: Range<Int>) -> FloatBuffer {
    let buffer = FloatBuffer(zeroed: values.count)
    for (index, value) in values.enumerated() { buffer.base[index] = Float(value) }
    return buffer
  }

  private func section(_ section: Int, of step: Int, count: Int) throws -> [Float] {
    let (reader, read) = (try store.reader(at: step), FloatBuffer(zeroed: count))
    try reader.verify()
    try reader.read(section, [0..<count], into: read)
    return Array(read.elements)
  }

  @Test func anErrorOfTheThreadSurfacesOnEveryRank() throws {
    let (folder, error) = (folder.path, UserError(.cannotWrite, at: "disk", "it is full", hint: "Free some."))
    let failures = try ThreadCommunicator.run(size: 3) { communicator in
      let values = FloatBuffer(zeroed: 30)
      let sections = sections([values, values, values])
      let writer = CheckpointWriter(
        communicator: communicator, store: CheckpointStore(run: FilePath(folder)),
        slice: (communicator.rank, [RankPartition(count: 30, ranks: 3)[communicator.rank]]),
        sections: sections, keep: 1, every: 1
      ) { _, _ in Issue.record("nothing was written") }
      try writer.begin(
        manifest(step: 1, sections), isLast: false,
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
