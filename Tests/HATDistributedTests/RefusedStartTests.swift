import Foundation
import HATStorage
import TestSupport
import Testing

@testable import HATDistributed

/// Jobs that `mpirun` does not start, and those that it is not even asked to.
@Suite struct RefusedStartTests {
  private static let rule = String(repeating: "-", count: 74)
  private let folder = TemporaryFolder()

  private func job(ranks: Int = 2, hostfile: String? = nil, _ options: [String] = []) -> MPIJob {
    MPIJob(program: "p", arguments: [], ranks: ranks, hostfile: hostfile, launcherOptions: options)
  }

  private func hostfile(_ text: String) throws -> String {
    let file = folder.appending(UUID().uuidString)
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    return file
  }

  private func refusal(
    _ text: String, of job: MPIJob, by launcher: any MPILauncher = OpenMPILauncher()
  ) -> SharedError {
    SharedError(LauncherRemarks(Array(text.utf8)).refusal(of: job, by: launcher, exitCode: 9))
  }

  @Test(arguments: [1, 5, 1000]) func beforeARankHasStartedAllIsTheLaunchers(pieceLength: Int) {
    var (chatter, shown) = (LauncherChatter(), [UInt8]())
    let before = "ssh: no such host\n\(Self.rule)\nORTE was unable\n\(Self.rule)\n"
    let bytes = Array("\(before)[1,0]<stderr>:\(LauncherChatter.greeting)\nerror: x\n".utf8)
    for start in stride(from: 0, to: bytes.count, by: pieceLength) {
      if start < before.utf8.count { #expect(!chatter.hasRank && shown.isEmpty) }
      shown += chatter.receive(bytes[start..<min(bytes.count, start + pieceLength)])
    }
    #expect(chatter.hasRank && chatter.hasError)
    #expect(String(decoding: shown, as: UTF8.self) == "error: x\n")
    #expect(String(decoding: chatter.heldBack, as: UTF8.self) == before)
  }

  @Test func anUnfinishedLineOfTheLaunchersIsKept() {
    var chatter = LauncherChatter()
    #expect(chatter.receive(Array("input in flex scanner failed".utf8)) == [] && chatter.finish() == [])
    #expect(LauncherRemarks(chatter.heldBack).text == "input in flex scanner failed")
  }

  @Test func anUnknownOptionIsNamed() {
    let error = refusal(
      "mpirun: Error: unknown option \"--foo\"\nType 'mpirun --help' for usage.\n", of: job(["--foo"]))
    #expect(error.exitCode == 64 && error.description.contains("`mpirunArguments`: "))
    #expect(error.description.contains("\"--foo\""))
  }

  @Test func ofWhatHydraSaysTheFirstComplaintCounts() {
    let option = refusal(
      "[mpiexec@vm] match_arg (utils/args/args.c:163): unrecognized argument frob\n"
        + "[mpiexec@vm] HYDU_parse_array (utils/args/args.c:178): argument matching returned error\n",
      of: job(["-frob"]), by: HydraLauncher())
    #expect(option.exitCode == 64)
    #expect(option.description.contains("`mpirunArguments`: mpiexec.hydra does not know the option frob"))
    let binding = refusal(
      "[proxy:0:0@vm] get_hw_obj_list (tools/topo/hwloc/topo_hwloc.c:354): unrecognized directive \"wrong\"\n"
        + "[mpiexec@vm] control_cb (pm/pmiserv/pmiserv_cb.c:206): assert (!closed) failed\n",
      of: job(["-bind-to", "wrong"]), by: HydraLauncher())
    #expect(binding.exitCode == 64)
    #expect(
      binding.description.contains("does not start the ranks: unrecognized directive \"wrong\". Correct"))
    let machine = refusal(
      "ssh: Could not resolve hostname nowhere: Name or service not known\n", of: job(hostfile: "hosts"),
      by: HydraLauncher())
    #expect(machine.exitCode == 70 && machine.description.hasPrefix("hosts: mpiexec.hydra does not start"))
    #expect(machine.description.contains("resolve hostname nowhere"))
  }

  @Test func aMachineThatIsNotReachedIsNamed() {
    let text =
      "ssh: Could not resolve hostname nowhere: Name or service not known\n\(Self.rule)\nORTE was unable to reliably "
      + "start one or more daemons.\nThis usually is caused by:\n\(Self.rule)\n"
    let error = refusal(text, of: job(hostfile: "hosts", ["--bind-to", "none"]))
    #expect(error.exitCode == 70 && error.description.hasPrefix("hosts: "))
    #expect(error.description.contains("resolve hostname nowhere") && !error.description.contains("ORTE"))
  }

  @Test func whatSpeaksToDevelopersIsLeftOut() {
    let text =
      "\(Self.rule)\nThe specified binding policy is not recognized:\n\n  Policy: wrong\n\(Self.rule)\n\(Self.rule)\n"
      + "This failure appears to be an internal failure; (which may only be relevant to an Open MPI\ndeveloper)\n"
      + "\(Self.rule)\n[vm:1] [[4064,0],0] FORCE-TERMINATE AT (null):1 - error x.c(352)\n"
    let error = refusal(text, of: job(["--bind-to", "wrong"]))
    #expect(error.exitCode == 64)
    #expect(
      error.description
        == "`mpirunArguments` --bind-to wrong: mpirun does not start the ranks: The specified binding "
        + "policy is not recognized: Policy: wrong. Correct them, or leave them out.")
    let silent = refusal("", of: job())
    #expect(silent.exitCode == 70 && silent.description.contains("it ended with exit code 9"))
  }

  @Test func slotsAreCounted() throws {
    #expect(
      try Hostfile(reading: hostfile("# two\nnode-1 slots=32\n\nnode-2 slots = 8 # half\n")).slots == 40)
    #expect(try Hostfile(reading: hostfile("node-1 slots=32\nnode-2\n")).slots == nil)
    #expect(try Hostfile(reading: hostfile("a slots=1000000\nb slots=0\n")).slots == 1_000_000)
    for slots in ["\(Int.max)", "1000001", "-1", "1.5", "x", ""] {
      let file = try hostfile("a slots=\(slots)\nb slots=1\n")
      let error = #expect(throws: UserError.self) { try Hostfile(reading: file) }
      #expect(error?.kind == .invalidData, "\(slots)")
    }
    #expect(throws: UserError.self) { try Hostfile(reading: hostfile("# none\n")) }
    #expect(throws: UserError.self) { try Hostfile(reading: folder.path) }
    #expect(throws: UserError.self) { try Hostfile(reading: folder.appending("none")) }
  }

  @Test func ranksWithoutPlacesAreRefused() throws {
    func isRefused(_ job: MPIJob, environment: [String] = []) -> Bool {
      do {
        try job.requirePlaces(cores: 2, environment: environment)
        return false
      } catch {
        return (error as? UserError)?.kind == .wrongUsage
      }
    }
    let hosts = try hostfile("node-1 slots=2\nnode-2 slots=2\n")
    #expect(!isRefused(job(ranks: 4, hostfile: hosts)) && isRefused(job(ranks: 5, hostfile: hosts)))
    #expect(!isRefused(job(ranks: 5, hostfile: hosts, ["--oversubscribe"])))
    #expect(!isRefused(job(ranks: 5, hostfile: hosts, ["--map-by", "node:OVERSUBSCRIBE"])))
    #expect(!isRefused(job(ranks: 500, hostfile: try hostfile("node-1\n"))))
    #expect(!isRefused(job(ranks: 32)) && isRefused(job(ranks: 33)) && isRefused(job(ranks: .max)))
    #expect(!isRefused(job(ranks: 33, ["--host", "a:40"])))
    #expect(!isRefused(job(ranks: 33), environment: ["SLURM_JOB_ID"]))
  }
}
