import Foundation
import HATStorage
import TestSupport
import Testing

@testable import HATCore
@testable import HATDistributed

@Suite struct AvailableMemoryTests {
  private let folder = TemporaryFolder()

  /// Makes a file of the kernel's.
  private func write(_ path: String, _ text: String) throws {
    try folder.write(text + "\n", to: path)
  }

  /// A machine with a gigabyte.
  private func makeMachine(groups: String = "", limits: String = "", status: String = "") throws {
    try write("proc/meminfo", "MemTotal:  2000000 kB\nMemAvailable:  1000000 kB\nSwapFree:  5000 kB")
    try write("proc/self/cgroup", groups)
    try write("proc/self/limits", limits)
    try write("proc/self/status", status)
  }

  private var available: AvailableMemory { AvailableMemory(root: folder.path + "/") }

  @Test func theMachinesMemoryIsShared() throws {
    try makeMachine()
    #expect(available.bytes(sharedBy: 1) == 1_024_000_000)
    #expect(available.bytes(sharedBy: 4) == 256_000_000)
    #expect(available.swap == 5_120_000)
  }

  /// As in sandboxes that have no /proc.
  @Test func whatTheKernelDoesNotSayIsNoLimit() throws {
    #expect(available.bytes(sharedBy: 2) == .max && available.strictest(sharedBy: 2) == nil)
    try write("proc/meminfo", "MemTotal:  2000000 kB")
    try write("proc/self/cgroup", "0::/")
    try write("sys/fs/cgroup/memory.max", "700000")
    try write("sys/fs/cgroup/memory.current", "500000")
    #expect(available.bytes(sharedBy: 2) == 100_000)
  }

  /// The strictest counts, also if it is one above; what is kept of files is given back when it is needed.
  @Test func controlGroupsOfVersionTwo() throws {
    try makeMachine(groups: "0::/user/job")
    try write("sys/fs/cgroup/user/job/memory.max", "max")
    try write("sys/fs/cgroup/user/job/memory.current", "500")
    try write("sys/fs/cgroup/user/memory.max", "700000")
    try write("sys/fs/cgroup/user/memory.current", "500000")
    try write(
      "sys/fs/cgroup/user/memory.stat",
      "anon 300000\ninactive_file 100000\nactive_file 50000\nslab_reclaimable 7")
    #expect(available.bytes(sharedBy: 1) == 350_007)
    #expect(available.common.map(\.name).contains("the control group /user"))
  }

  @Test func controlGroupsOfVersionOne() throws {
    try makeMachine(groups: "5:cpu:/\n4:memory:/job\n0::/")
    try write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "600000")
    try write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "100000")
    try write(
      "sys/fs/cgroup/memory/job/memory.stat", "inactive_file 5\ntotal_inactive_file 1000\ntotal_active_file 0"
    )
    try write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712")
    try write("sys/fs/cgroup/memory/memory.usage_in_bytes", "100000")
    #expect(available.bytes(sharedBy: 1) == 501_000 && available.common.count == 2)
  }

  /// A container sees its own group at the top, under the name that it has outside.
  @Test func theGroupOfAContainer() throws {
    try makeMachine(groups: "0::/docker/0123")
    try write("sys/fs/cgroup/memory.max", "600000")
    try write("sys/fs/cgroup/memory.current", "100000")
    #expect(available.bytes(sharedBy: 2) == 250_000)
  }

  @Test func limitsOfAProcessAreNotShared() throws {
    try makeMachine(
      limits: "Max data size             unlimited            unlimited            bytes\n"
        + "Max address space         900000000            unlimited            bytes",
      status: "VmSize:\t  100000 kB\nVmData:\t  50000 kB")
    #expect(available.bytes(sharedBy: 1) == 797_600_000)
    #expect(available.bytes(sharedBy: 2) == 512_000_000)
    #expect(available.ownLimits.map(\.name) == ["ulimit -v"])
  }

  /// What ranks begin with is never more than what `plan` says they need at most.
  @Test(arguments: Sharding.stages, [ModelKind.hierarchical, .subword])
  func ranksBeginWithLessThanTheyNeed(zeroStage: Int, kind: ModelKind) throws {
    for optimizer in [OptimizerKind.adamw, .muon] {
      var configuration = Configuration()
      configuration.model.kind = kind
      configuration.training.optimizer = optimizer
      configuration.training.zeroStage = zeroStage
      for (ranks, nodes) in [(1, 1), (2, 1), (4, 2)] {
        let most = try RankMemory(
          configuration, ranks: ranks, nodes: nodes, zeroStage: zeroStage, maxWordBytes: 64)
        for rank in 0..<ranks {
          let start = try StartMemory(
            configuration, rank: rank, nodes: NodeMap(ranks: ranks, nodes: nodes), maxWordBytes: 64)
          #expect(start.own > 0 && start.shared > 0)
          #expect(start.own + start.shared <= most.total - most.process)
        }
      }
    }
  }
}
