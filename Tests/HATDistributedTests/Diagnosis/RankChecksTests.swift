import HATKernels
import TestSupport
import Testing

@testable import HATDistributed

/// What measurements of ranks and their processors mean.
@Suite struct RankChecksTests {
  static let one = Machines(NodeMap(ranks: 2, nodes: 1), names: ["a"])
  static let two = Machines(NodeMap(ranks: 4, nodes: 2), names: ["a", "b"])

  private let debian =
    "Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4, repo rev: v4.1.4, May 26, 2022"

  @Test func launcherThatStartedMoreThanMet() {
    func verdict(started: Int?, met: Int, mpirun: String? = "mpirun (Open MPI) 4.1.4\n\nReport bugs to …")
      -> Verdict
    {
      let claim = started.map { LauncherClaim(launcher: "mpirun", size: $0, isOfMPI: true) }
      let ranks = (0..<met).map { _ in
        LauncherCheck.Measurement(claim: claim, launcher: mpirun, library: debian)
      }
      return LauncherCheck().findings(ranks, on: Machines(NodeMap(ranks: met, nodes: 1), names: ["a"]))[0]
        .verdict
    }
    #expect(verdict(started: 2, met: 2) == .fine)
    #expect(verdict(started: nil, met: 1) == .fine)
    #expect(verdict(started: 2, met: 1) == .wrong)
    #expect(verdict(started: 2, met: 2, mpirun: "mpirun (Open MPI) 5.0.1") == .wrong)
    #expect(verdict(started: nil, met: 1, mpirun: "HYDRA build details:\n    Version:  4.0.2") == .wrong)
    #expect(verdict(started: nil, met: 1, mpirun: nil) == .worthKnowing)
  }

  @Test func releasesOfMPI() {
    let library = MPIRelease(debian)
    #expect(library.text == "Open MPI v4.1.4")
    #expect(MPIRelease("mpirun (Open MPI) 4.1.4\n\nReport bugs").mayBelong(to: library))
    #expect(!MPIRelease("mpirun (Open MPI) 4.1.5").mayBelong(to: library))
    let other = MPIRelease("MPICH Version:      4.0.2\nMPICH Release date: Thu Apr 7\nMPICH ABI: 14:2:2")
    #expect(other.text == "MPICH 4.0.2")
    #expect(MPIRelease("HYDRA build details:\n    Version:            4.0.2").mayBelong(to: other))
    #expect(!other.mayBelong(to: library))
    #expect(MPIRelease("something nobody knows").mayBelong(to: library))
  }

  @Test func differentProgramsAndLibraries() {
    func findings(_ checksums: [String], _ libraries: [String]) -> [Finding] {
      let ranks = zip(checksums, libraries).map { checksum, library in
        BuildCheck.Measurement(version: "1", checksum: checksum, library: library)
      }
      return BuildCheck().findings(ranks, on: Self.one)
    }
    #expect(findings(["x", "x"], [debian, debian]).map(\.verdict) == [.fine])
    let programs = findings(["x", "y"], [debian, debian])
    #expect(programs.map(\.verdict) == [.wrong])
    #expect(programs[0].measured.contains("y on rank 1"))
    #expect(findings(["x", "x"], [debian, "Open MPI v5.0.1"]).map(\.verdict) == [.wrong])
    #expect(findings(["x", "y"], [debian, "Open MPI v5.0.1"]).count == 2)
  }

  @Test func processors() {
    func finding(_ change: (inout ProcessorCheck.Measurement) -> Void) -> Finding {
      let usual = ProcessorCheck.Measurement(
        model: "A", missing: nil, hasWideRegisters: true, hasMatrixTiles: true)
      var other = usual
      change(&other)
      return ProcessorCheck().findings([usual, other], on: Self.one)[0]
    }
    #expect(finding { _ in }.verdict == .fine)
    #expect(finding { _ in }.measured == "A: AVX-512, matrix tiles (AMX)")
    #expect(finding { $0.missing = "FMA" }.verdict == .wrong)
    #expect(finding { $0.hasMatrixTiles = false }.verdict == .worthKnowing)
    #expect(finding { $0.model = "B" }.measured.contains("B on rank 1"))
  }

  private func cores(_ masks: [String], machine: Int = 8, quota: Double? = nil) -> Finding {
    let ranks = masks.map { CoreCheck.Measurement(cores: $0, machineCores: machine, quota: quota) }
    return CoreCheck().findings(
      ranks, on: Machines(NodeMap(ranks: masks.count, nodes: 1), names: ["a"]))[0]
  }

  @Test func coresOfRanks() {
    #expect(cores(["0", "1"]).verdict == .fine)
    #expect(cores(["0-3", "4-7"]).verdict == .fine)
    #expect(cores(["0-7"]).verdict == .fine)
    #expect(cores(["0-7", "0-7"]).verdict == .worthKnowing)
    #expect(cores(["0-1", "0-1", "0-1"]).verdict == .wrong)
    #expect(cores(["0-1", "0-1", "0-1"]).measured.contains("3 ranks share 2 cores"))
  }

  @Test func ranksOnOneCoreWhileOthersAreFree() {
    let finding = cores(["0", "0", "1", "2"])
    #expect(finding.verdict == .wrong && finding.measured.contains("ranks 0, 1 are bound to 1 core (0)"))
    #expect(cores(["0-1", "0", "1", "2-5"]).verdict == .wrong)
    #expect(cores(["0", "0", "1", "2-3"], machine: 4).measured.hasPrefix("ranks 0, 1 are bound to 1 core"))
    #expect(cores(["0", "0", "1"], machine: 2).measured.contains("3 ranks share 2 cores"))
    #expect(cores(["0", "0"], machine: 2).measured.contains("2 ranks share 1 core (0) on a, which has 2"))
  }

  @Test func controlGroupWithLittleTime() {
    #expect(cores(["0", "1"], quota: 1.5).verdict == .wrong)
    #expect(cores(["0", "1"], quota: 2).verdict == .fine)
    #expect(cores(["0-7"], quota: 0.5).verdict == .wrong)
  }

  @Test func whatIsWrongOnManyMachinesIsSaidOnce() {
    let ranks = (0..<4).map { _ in CoreCheck.Measurement(cores: "0", machineCores: 8, quota: nil) }
    let findings = CoreCheck().findings(ranks, on: Self.two)
    #expect(findings.count == 1 && findings[0].measured.contains("1 other node"))
  }

  @Test func listsOfCores() {
    #expect(CoreList.text([8, 0, 1, 2, 3, 10, 11]) == "0-3,8,10-11")
    #expect(CoreList.cores("0-3,8,10-11") == [8, 0, 1, 2, 3, 10, 11])
    #expect(CoreList.text([Int]()) == "")
  }

  @Test func slowAndBusyCores() {
    func findings(fastest: Double, lost: Double) -> [Finding] {
      func core(_ number: Int, _ fastest: Double, _ lost: Double) -> CoreSpeedCheck.Core {
        .init(core: number, fastest: fastest, median: fastest, slowest: 2 * fastest, lost: lost)
      }
      return CoreSpeedCheck().findings([[core(0, 1e-3, 0.01)], [core(5, fastest, lost)]], on: Self.one)
    }
    #expect(findings(fastest: 1.1e-3, lost: 0.02).map(\.verdict) == [.fine])
    let slow = findings(fastest: 1.5e-3, lost: 0.02)
    #expect(slow.map(\.verdict) == [.worthKnowing] && slow[0].measured.hasPrefix("core 5 of a"))
    let busy = findings(fastest: 1e-3, lost: 0.3)
    #expect(busy.map(\.verdict) == [.worthKnowing] && busy[0].measured.contains("30%"))
    #expect(findings(fastest: 2e-3, lost: 0.5).count == 2)
  }

  /// Every core that this process may use is measured, at the same time.
  @Test func coresAreTimed() {
    let allowed = ProcessorCores.allowedCores()
    let start = ContinuousClock.now
    let measured = CoreTimer.measure(allowed.sorted(), seconds: 0.05)
    #expect(Set(measured.map(\.core)) == allowed)
    #expect(ContinuousClock.now - start < .seconds(10))
    for core in measured {
      #expect(core.fastest > 0 && core.fastest <= core.median && core.median <= core.slowest)
      #expect((0..<1).contains(core.lost))
    }
    #expect(CoreTimer.measure([1_000_000], seconds: 0.05).isEmpty)
  }

  @Test func timeThatControlGroupsGive() throws {
    let folder = TemporaryFolder()
    func quota(_ groups: String, _ files: [String: String]) throws -> Double? {
      let folder = TemporaryFolder()
      for (path, text) in files { try folder.write(text, to: path) }
      try folder.write(groups, to: "proc/self/cgroup")
      return ControlGroups.processorQuota(root: folder.path + "/")
    }
    #expect(ControlGroups.processorQuota(root: folder.path + "/") == nil)
    #expect(try quota("0::/job", ["sys/fs/cgroup/job/cpu.max": "150000 100000\n"]) == 1.5)
    #expect(try quota("0::/job", ["sys/fs/cgroup/job/cpu.max": "max 100000\n"]) == nil)
    #expect(
      try quota(
        "0::/a/b", ["sys/fs/cgroup/a/cpu.max": "50000 100000", "sys/fs/cgroup/a/b/cpu.max": "400000 100000"])
        == 0.5)
    let first = ["sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000"]
    #expect(
      try quota(
        "3:cpu,cpuacct:/job",
        first.merging(["sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "300000"]) { $1 })
        == 3)
    #expect(
      try quota(
        "3:cpu,cpuacct:/job", first.merging(["sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "-1"]) { $1 })
        == nil)
  }
}
