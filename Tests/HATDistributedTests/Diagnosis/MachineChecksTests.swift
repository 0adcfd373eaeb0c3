import DistributedTestSupport
import Foundation
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATDistributed

/// What measurements of machines, networks and file systems mean.
@Suite struct MachineChecksTests {
  private let one = RankChecksTests.one
  private let two = RankChecksTests.two

  @Test func sharedMemory() {
    func findings(room: Int, left: Int = 0, removed: Int = 0, hasNeighbours: Bool = true) -> [Finding] {
      let node = SharedMemoryCheck.Node(
        size: 10 << 30, room: room, left: FileTotal(count: left, bytes: left * 1000),
        removed: FileTotal(count: removed, bytes: removed), hasNeighbours: hasNeighbours)
      return SharedMemoryCheck().findings([node, nil], on: one)
    }
    #expect(findings(room: 8 << 30).map(\.verdict) == [.fine])
    #expect(findings(room: 500 << 20).map(\.verdict) == [.worthKnowing])
    #expect(findings(room: 63 << 20).map(\.verdict) == [.wrong])
    #expect(findings(room: 63 << 20, hasNeighbours: false).map(\.verdict) == [.fine])
    #expect(findings(room: 8 << 30, left: 3)[0].measured.contains("3 files (3.0 kB)"))
    #expect(findings(room: 8 << 30, left: 3, removed: 1).map(\.verdict) == [.worthKnowing, .worthKnowing])
  }

  @Test func memory() {
    func finding(_ rooms: [Int]) -> Finding {
      let ranks = rooms.map { MemoryRoomCheck.Measurement(room: $0, limit: "ulimit -v", isMachine: false) }
      return MemoryRoomCheck().findings(ranks, on: one)[0]
    }
    #expect(finding([8 << 30, 8 << 30]).verdict == .fine)
    #expect(finding([8 << 30, 3 << 30]).verdict == .worthKnowing)
    #expect(finding([8 << 30, 800 << 20]).verdict == .worthKnowing)
    #expect(finding([8 << 30, 100 << 20]).verdict == .wrong)
    #expect(finding([8 << 30, 100 << 20]).measured.contains("rank 1"))
    #expect(finding([.max, 100 << 20]).verdict == .wrong)
    #expect(finding([.max, 8 << 30]).verdict == .fine)
    let unknown = finding([.max, .max])
    #expect(unknown.verdict == .fine && unknown.measured.contains("does not say") && unknown.figures.isEmpty)
  }

  @Test func processLimits() {
    func verdicts(files: Int? = 4096, locked: Int? = nil, stack: Int? = nil, cards: [String] = [])
      -> [Verdict]
    {
      let rank = ProcessLimitCheck.Measurement(
        openFiles: files, lockedMemory: locked, stack: stack, fastNetworks: cards)
      return ProcessLimitCheck().findings([rank, rank], on: one).map(\.verdict)
    }
    #expect(verdicts() == [.fine])
    #expect(verdicts(files: nil) == [.fine])
    #expect(verdicts(files: 512) == [.worthKnowing])
    #expect(verdicts(files: 64) == [.wrong])
    #expect(verdicts(stack: 64 << 10) == [.wrong])
    #expect(verdicts(locked: 64 << 10) == [.fine])
    #expect(verdicts(locked: 64 << 10, cards: ["mlx5_0"]) == [.wrong])
    #expect(verdicts(files: 64, locked: 64 << 10, stack: 1, cards: ["mlx5_0"]).count == 3)
  }

  @Test func linksInANode() {
    func verdict(latency: Double, bandwidth: Double) -> Verdict {
      let link = Link(low: 0, high: 1, latency: latency, bandwidth: bandwidth)
      return NodeLinkCheck().findings([[link], []], on: one)[0].verdict
    }
    #expect(verdict(latency: 1e-6, bandwidth: 5e9) == .fine)
    #expect(verdict(latency: 1e-3, bandwidth: 5e9) == .worthKnowing)
    #expect(verdict(latency: 1e-6, bandwidth: 0.2e9) == .worthKnowing)
  }

  @Test func linksBetweenNodes() {
    let machines = Machines(NodeMap(ranks: 4, nodes: 4), names: ["a", "b", "c", "d"])
    func findings(
      _ bandwidths: [Double], latency: Double = 2e-6, over card: String? = nil, cards: [String] = []
    )
      -> [Finding]
    {
      let ranks = (0..<4).map { rank in
        NetworkCheck.Measurement(
          links: rank < 3
            ? [
              Link(low: rank, high: rank + 1, latency: latency, bandwidth: bandwidths[rank], interface: card)
            ] : [],
          fastNetworks: cards, settings: [])
      }
      return NetworkCheck().findings(ranks, on: machines)
    }
    #expect(findings([10e9, 10e9, 10e9]).map(\.verdict) == [.fine])
    #expect(findings([10e9, 10e9, 10e9], over: "mlx5_0", cards: ["mlx5_0"]).map(\.verdict) == [.fine])
    let slow = findings([10e9, 1e9, 10e9])
    #expect(slow.map(\.verdict) == [.worthKnowing] && slow[0].measured.contains("b and c"))
    let unused = findings([10e9, 10e9, 10e9], over: "eth0", cards: ["mlx5_0"])
    #expect(
      unused.map(\.verdict) == [.worthKnowing] && unused[0].measured.contains("although there is mlx5_0"))
    #expect(findings([0.1e9, 0.1e9, 0.1e9], over: "eth0").map(\.verdict) == [.worthKnowing])
    #expect(findings([10e9, 10e9, 10e9], latency: 1e-3).map(\.verdict) == [.worthKnowing])
    #expect(findings([10e9, 1e6, 10e9]).map(\.verdict) == [.wrong])
  }

  @Test func everyNeighbourIsMeasuredAndBothRoundsAreDisjoint() {
    let rounds = LinkProbe(neighboursIn: [[0, 1, 2], [3, 4], [5]]).rounds
    #expect(rounds.map { $0.map { [$0.low, $0.high] } } == [[[0, 1], [3, 4]], [[1, 2]]])
    #expect(LinkProbe(neighboursIn: [[7]]).rounds.isEmpty)
  }

  @Test func messagesAreTimedOnEveryLink() throws {
    let links = try ThreadCommunicator.run(size: 3) {
      try LinkProbe(neighboursIn: [[0, 1, 2]]).measure(on: $0)
    }
    #expect(links.map { $0.map { [$0.low, $0.high] } } == [[[0, 1]], [[1, 2]], []])
    for link in links.flatMap(\.self) { #expect(link.latency > 0 && link.bandwidth > 0) }
  }

  /// The clocks of threads are one.
  @Test func clocksAreRead() throws {
    let offsets = try ThreadCommunicator.run(size: 4, nodes: 2) { try ClockCheck().measure(on: $0) }
    #expect(offsets.map(\.count) == [1, 0, 0, 0])
    #expect(abs(offsets[0][0].seconds) <= offsets[0][0].uncertainty + 1e-3)
  }

  @Test func clocks() {
    func finding(_ seconds: Double) -> Finding {
      let offset = ClockCheck.Offset(node: 1, seconds: seconds, uncertainty: 1e-4)
      return ClockCheck().findings([[offset], [], [], []], on: two)[0]
    }
    #expect(finding(0.01).verdict == .fine)
    #expect(finding(-2).verdict == .worthKnowing)
    #expect(finding(-2).measured.contains("b is 2.0 s behind a"))
    #expect(finding(400).verdict == .wrong)
  }

  @Test func countersSayWhichNetworkWasUsed() throws {
    let folder = TemporaryFolder()
    func counters(lo: Int, eth0: Int, card: Int) throws -> NetworkCounters {
      let lines = ["lo": lo, "eth0": eth0].map { "  \($0.key): 1 2 3 4 5 6 7 8 \($0.value) 9 0 0 0 0 0 0" }
      try folder.write("Inter-|\n face |\n" + lines.joined(separator: "\n"), to: "proc/self/net/dev")
      let port = "sys/class/infiniband/mlx5_0/ports/1/"
      try folder.write("\(card)\n", to: port + "counters/port_xmit_data")
      try folder.write("4: ACTIVE\n", to: port + "state")
      try folder.write("InfiniBand\n", to: port + "link_layer")
      return NetworkCounters(root: folder.path + "/")
    }
    let before = try counters(lo: 5, eth0: 100, card: 1000)
    #expect(before.sent == ["lo": 5, "eth0": 100, "mlx5_0": 4000])
    #expect(try counters(lo: 5, eth0: 1_000_100, card: 1000).carrier(of: 1_000_000, since: before) == "eth0")
    #expect(try counters(lo: 5, eth0: 200, card: 251_000).carrier(of: 1_000_000, since: before) == "mlx5_0")
    #expect(try counters(lo: 5, eth0: 200, card: 1000).carrier(of: 1_000_000, since: before) == nil)
    #expect(FastNetworks.active(root: folder.path + "/") == ["mlx5_0"])
    try folder.write("Ethernet\n", to: "sys/class/infiniband/mlx5_0/ports/1/link_layer")
    #expect(FastNetworks.active(root: folder.path + "/") == [])
  }

  @Test func fileSystemsOfFolders() {
    let mounts: [Substring] = [
      "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw",
      "30 27 0:30 / /scratch rw shared:5 master:1 - lustre 10.0.0.1@o2ib:/fs rw,flock",
      "31 27 0:31 / /my\\040data rw - nfs4 server:/export rw",
      "32 27 0:32 / /scratch rw - tmpfs tmpfs rw", "a line that is too short",
    ]
    func mount(_ path: String) -> [String]? {
      MountPoint(ofResolved: path, mounts: mounts).map { [$0.kind, $0.source] }
    }
    #expect(mount("/home/me") == ["ext4", "/dev/vda"])
    #expect(mount("/scratch/me") == ["tmpfs", "tmpfs"])
    #expect(mount("/scratchy") == ["ext4", "/dev/vda"])
    #expect(mount("/my data/x") == ["nfs4", "server:/export"])
    #expect(MountPoint(ofResolved: "/", mounts: []) == nil)
    #expect(MountPoint(of: "/proc")?.kind == "proc")
  }

  @Test func corpora() {
    func finding(_ a: String?, _ b: String?, seconds: Double = 0.1) -> Finding {
      let views = [a, b].map {
        CorpusCheck.View(
          fingerprint: $0, problem: $0 == nil ? "it is not there" : nil, mount: nil, seconds: seconds)
      }
      return CorpusCheck(folders: ["c"]).findings([[views[0]], [], [views[1]], []], on: two)[0]
    }
    #expect(finding("x", "x").verdict == .fine)
    #expect(finding("x", "x", seconds: 9).verdict == .worthKnowing)
    #expect(finding("x", "y").verdict == .wrong)
    let missing = finding("x", nil)
    #expect(missing.verdict == .wrong && missing.measured == "c: not on b: it is not there")
    #expect(finding(nil, nil).measured == "c: it is not there")
  }

  @Test func foldersOfRuns() {
    func findings(
      _ change: (inout RunFolderCheck.Writing, inout RunFolderCheck.Reading) -> Void
    ) -> [Finding] {
      var writing = RunFolderCheck.Writing(
        folder: "/r", mount: nil, room: 100 << 30, commitSeconds: 0.01, bytesPerSecond: 1e9)
      var reading = RunFolderCheck.Reading(seenAfter: 0, isLockKept: true)
      let first = reading
      change(&writing, &reading)
      let ranks = [
        RunFolderCheck.Measurement(writing: writing, reading: first), .init(),
        .init(writing: nil, reading: reading), .init(),
      ]
      return RunFolderCheck(folder: "/r").findings(ranks, on: two)
    }
    #expect(findings { _, _ in }.map(\.verdict) == [.fine])
    #expect(findings { writing, _ in writing.problem = "no permission" }.map(\.verdict) == [.wrong])
    let unseen = findings { _, reading in reading.seenAfter = nil }
    #expect(unseen.map(\.verdict) == [.wrong] && unseen[0].measured.contains("not seen on b"))
    for lock in [false, nil] {
      let unlocked = findings { _, reading in reading.isLockKept = lock }
      #expect(unlocked.map(\.verdict) == [.wrong] && unlocked[0].measured.contains("does not hold on b"))
    }
    #expect(findings { writing, _ in writing.commitSeconds = 2 }.map(\.verdict) == [.worthKnowing])
    #expect(findings { writing, _ in writing.room = 1 << 20 }.map(\.verdict) == [.worthKnowing])
    #expect(findings { _, reading in reading.seenAfter = 3 }.map(\.verdict) == [.worthKnowing])
    #expect(
      findings { writing, _ in
        writing.mount = MountPoint(ofResolved: "/r", mounts: ["1 1 0:1 / / rw - tmpfs t rw"])
      }
      .map(\.verdict) == [.worthKnowing])
  }

  /// A folder that is not there yet is looked for above it; nothing is left behind.
  @Test func aRunFolderIsTried() throws {
    let folder = TemporaryFolder()
    let measured = try RunFolderCheck(folder: FilePath(folder.appending("runs/new")))
      .measure(on: SoloCommunicator())
    #expect(measured.writing?.folder == FilePath(folder.path).string && measured.writing?.problem == nil)
    #expect(measured.reading?.isLockKept == true)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
  }

  @Test func theWholeTakesNoLongerThanItMay() {
    #expect(DiagnosisDeadline.whole(limit: 20) == 120)
    let finding = DiagnosisDeadline.finding("network", on: "a")
    #expect(finding.check == "network" && finding.verdict == .wrong && finding.advice != nil)
  }
}
