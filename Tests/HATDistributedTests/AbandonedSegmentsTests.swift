import Foundation
import TestSupport
import Testing

@testable import HATDistributed

@Suite struct AbandonedSegmentsTests {
  private let shared = TemporaryFolder()
  private let processes = TemporaryFolder()
  private let host = "node7"
  private let later = Date().addingTimeInterval(3600)

  private func makeSegment(_ name: String) {
    _ = FileManager.default.createFile(atPath: "\(shared.path)/\(name)", contents: Data([1]))
  }

  private func left(now: Date) -> Set<String> {
    AbandonedSegments.remove(in: shared.path, host: host, processes: processes.path, now: now)
    return Set((try? FileManager.default.contentsOfDirectory(atPath: shared.path)) ?? [])
  }

  @Test func ownAbandonedSegmentsGo() {
    makeSegment("osc_sm.node7.5210001.0.4")
    makeSegment("vader_segment.node7.\(geteuid()).5210001.1")
    #expect(left(now: later) == [])
  }

  /// Of another host's name: a container's, which only a person can know to be gone.
  @Test func thoseOfOtherHostsAreFoundButStay() {
    makeSegment("sm_segment.old.\(geteuid()).1.0")
    let found = AbandonedSegments.find(in: shared.path, host: nil, processes: processes.path, now: later)
    #expect(found.map(\.name) == ["sm_segment.old.\(geteuid()).1.0"] && found[0].bytes == 1)
    #expect(left(now: later).count == 1)
  }

  @Test func whatIsRemovedIsCounted() {
    for name in ["osc_sm.node7.1.0.4", "sm_segment.node7.\(geteuid()).1.0", "other"] { makeSegment(name) }
    let removed = AbandonedSegments.remove(
      in: shared.path, host: host, processes: processes.path, now: later)
    #expect(removed == FileTotal(count: 2, bytes: 2))
  }

  @Test func whatIsNotOursStays() {
    let others = [
      "osc_sm.node70.1.0.4", "osc_sm.other.1.0.4", "vader_segment.node7.\(geteuid() + 1).1.0",
      "vader_segment.node8.\(geteuid()).1.0", "something", "sem.mine",
    ]
    for name in others { makeSegment(name) }
    #expect(left(now: later) == Set(others))
  }

  /// Of a job that is just starting, whose ranks have not all opened it yet.
  @Test func youngSegmentsStay() {
    makeSegment("osc_sm.node7.1.0.4")
    #expect(left(now: Date()) == ["osc_sm.node7.1.0.4"])
  }

  @Test func segmentsInUseStay() throws {
    for name in ["osc_sm.node7.1.0.4", "osc_sm.node7.2.0.4"] { makeSegment(name) }
    try FileManager.default.createDirectory(
      atPath: "\(processes.path)/4711", withIntermediateDirectories: true)
    let maps = "7f37abffe000-7f37b4000000 rw-s 00000000 00:1b 313    \(shared.path)/osc_sm.node7.2.0.4\n"
    try Data(maps.utf8).write(to: URL(fileURLWithPath: "\(processes.path)/4711/maps"))
    #expect(left(now: later) == ["osc_sm.node7.2.0.4"])
  }
}
