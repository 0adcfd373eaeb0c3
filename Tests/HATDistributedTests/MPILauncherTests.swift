import Foundation
import HATStorage
import TestSupport
import Testing

@testable import HATDistributed

/// The command lines of both launchers, and what they leave behind.
@Suite struct MPILauncherTests {
  private let folder = TemporaryFolder()

  private func job(ranks: Int = 2, threads: Int = 1, hosts: String? = nil, _ options: [String] = []) throws
    -> MPIJob
  {
    let hostfile = try hosts.map { text in
      let file = folder.appending(UUID().uuidString)
      try Data(text.utf8).write(to: URL(fileURLWithPath: file))
      return file
    }
    return MPIJob(
      program: "/p", arguments: ["a"], ranks: ranks, threadsPerRank: threads, hostfile: hostfile,
      launcherOptions: options, environment: [("X", "1 2")])
  }

  private func arguments(
    _ launcher: any MPILauncher, _ job: MPIJob, cores: Int = 2, isAllocation: Bool = false
  ) throws -> [String] {
    try launcher.arguments(for: job, cores: cores, isAllocation: isAllocation)
  }

  @Test func openMPIBindsRanksThatHaveACoreEach() throws {
    let launcher = OpenMPILauncher()
    let end = ["-x", "X=1 2", "/p", "a"]
    #expect(try arguments(launcher, job()) == ["-np", "2", "--bind-to", "core"] + end)
    #expect(
      try arguments(launcher, job(), cores: 1) == ["-np", "2", "--oversubscribe", "--bind-to", "none"] + end)
    #expect(
      try arguments(launcher, job(threads: 4), cores: 8)
        == ["-np", "2", "--map-by", "slot:PE=4", "--bind-to", "core"] + end)
    let own = ["--bind-to", "socket", "--mca", "pml", "ob1"]
    #expect(try arguments(launcher, job(own)) == ["-np", "2"] + own + end)
    let machines = try job(ranks: 4, hosts: "a slots=2\nb slots=2\n")
    #expect(
      try arguments(launcher, machines)
        == ["-np", "4", "--hostfile", machines.hostfile!, "--bind-to", "core:overload-allowed"] + end)
    // Bound to a core each, ranks would have no room for the threads that are asked for.
    let threaded = try job(ranks: 2, threads: 8, hosts: "a slots=1\nb slots=1\n")
    #expect(
      try arguments(launcher, threaded)
        == ["-np", "2", "--hostfile", threaded.hostfile!, "--bind-to", "none"] + end)
  }

  @Test func hydraBindsRanksThatHaveACoreEach() throws {
    let launcher = HydraLauncher()
    let end = ["-genv", "X", "1 2", "/p", "a"]
    #expect(try arguments(launcher, job()) == ["-n", "2", "-bind-to", "core"] + end)
    #expect(try arguments(launcher, job(), cores: 1) == ["-n", "2", "-bind-to", "none"] + end)
    #expect(try arguments(launcher, job(threads: 4), cores: 8) == ["-n", "2", "-bind-to", "core:4"] + end)
    for own in [["-bind-to", "none"], ["--bind-to", "none"]] {
      #expect(try arguments(launcher, job(own)) == ["-n", "2"] + own + end)
    }
    let machines = try job(ranks: 4, hosts: "# two\na slots=2\nb slots=2\n")
    #expect(
      try arguments(launcher, machines) == ["-n", "4", "-hosts", "a:2,b:2", "-bind-to", "core"] + end)
    let uncounted = try job(hosts: "a slots=2\nb\n")
    let error = #expect(throws: UserError.self) { try arguments(launcher, uncounted) }
    #expect(error?.kind == .invalidData && error?.description.contains("how many ranks b takes") == true)
  }

  /// A job of four machines with 32 cores each: the cores of the first say nothing of 128 ranks.
  @Test func inAnAllocationTheBatchSystemCountsTheRanksOfAMachine() throws {
    let job = try job(ranks: 128)
    let openMPI = try arguments(OpenMPILauncher(), job, cores: 32, isAllocation: true)
    #expect(openMPI.prefix(4) == ["-np", "128", "--bind-to", "core:overload-allowed"])
    #expect(
      try arguments(HydraLauncher(), job, cores: 32, isAllocation: true).prefix(4)
        == ["-n", "128", "-bind-to", "core"])
    #expect(MPIJob.isAllocation(["PATH", "SLURM_JOB_ID"]) && !MPIJob.isAllocation(["PATH"]))
  }

  @Test func whatIsOpenMPIsAloneIsNotForHydra() throws {
    for job in [try job(), try job(ranks: 40), try job(hosts: "a slots=2\n"), try job(threads: 2)] {
      let words = try arguments(HydraLauncher(), job)
      #expect(!words.contains { ["--mca", "--oversubscribe", "--map-by", "--hostfile", "-x"].contains($0) })
    }
  }

  @Test func signalsHaveTheShellsExitCodes() {
    let codes: [Int32] = [0, 1, 9, 11, 64, 75, 137]
    #expect(codes.map { HydraLauncher().exitCode($0) } == [0, 1, 137, 139, 64, 75, 137])
    #expect(codes.map { OpenMPILauncher().exitCode($0) } == codes)
  }

  /// As Hydra 4.0 writes it.
  private static let remark = """

    ===================================================================================
    =   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES
    =   PID 12344 RUNNING AT vm
    =   EXIT CODE: 9
    ===================================================================================
    YOUR APPLICATION TERMINATED WITH THE EXIT STRING: Killed (signal 9)

    """

  @Test(arguments: [1, 2, 7, 100, 100_000]) func hydrasRemarkIsNoResult(pieceLength: Int) {
    let results = "{\"a\": 1}\n\n======\n\n\(String(repeating: "=", count: 80))\nb\n"
    func sifted(_ text: String) -> String {
      var (output, shown) = (RankOutput(), [UInt8]())
      let bytes = Array(text.utf8)
      for start in stride(from: 0, to: bytes.count, by: pieceLength) {
        shown += output.sift(bytes[start..<min(bytes.count, start + pieceLength)])
      }
      return String(decoding: shown, as: UTF8.self)
    }
    #expect(sifted(results) == results)
    #expect(sifted(results + Self.remark) == results)
    #expect(sifted("no end of a line") == "no end of a line")
  }

  @Test func aLauncherIsEndedThatStandsStillAfterItHasLostARank() {
    let start = ContinuousClock.now
    func end(_ launcher: any MPILauncher, _ text: String) -> [LauncherSilence.Cause?] {
      var (chatter, silence) = (LauncherChatter(), LauncherSilence())
      _ = chatter.receive(Array(text.utf8))
      silence.hear(chatter, of: launcher, now: start)
      return [1, 6, 61].map { silence.isOver(now: start + .seconds($0)) }
    }
    let lost = "[vm:12] PMIX ERROR: UNREACHABLE in file ptl_tcp_component.c at line 1832\n"
    let greeting = "\(LauncherChatter.greeting)\n"
    #expect(end(OpenMPILauncher(), lost) == [nil, .lostRank, .lostRank])
    #expect(end(OpenMPILauncher(), greeting + lost) == [nil, .lostRank, .lostRank])
    #expect(end(OpenMPILauncher(), greeting + "PMIX ERROR: UNREACHABLE, says a rank\n") == [nil, nil, nil])
    // Open MPI's ends by itself, Hydra's does not.
    #expect(end(OpenMPILauncher(), "ssh: no such host\n") == [nil, nil, nil])
    #expect(end(HydraLauncher(), "ssh: no such host\n") == [nil, nil, .noRank])
    #expect(end(HydraLauncher(), "ssh: a new host\n" + greeting) == [nil, nil, nil])
  }
}
