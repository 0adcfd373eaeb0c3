import Foundation
import Glibc
import Testing

extension EndToEnd {
  /// Ranks that are killed again and again, and ranks that stand still.
  @Suite("Faults")
  struct FaultTests {
    let scratch: Scratch
    let arguments: [String]
    let undisturbed: RunFolder

    init() throws {
      scratch = try Scratch()
      let shared = try CrashTests.shared.get()
      (arguments, undisturbed) = (shared.arguments, shared.run)
    }

    /// Waits for a moment to kill in: while a start is under way, or some steps after.
    private func waitForRandomMoment(_ run: RunFolder) {
      if Int.random(in: 0..<3) == 0 {
        usleep(UInt32.random(in: 0..<300_000))
      } else {
        let steps = run.stepCount + Int.random(in: 1...40)
        _ = eventually(within: 20) { run.stepCount >= steps }
      }
    }

    @Test("kill -9 of random ranks at random times, 20 times: the run ends as if nothing had been")
    func killedTwentyTimes() throws {
      let (kills, ranks) = (20, 2)
      let settings = ["--set", "training.steps=1000", "--set", "output.checkpoint_every=20"]
      let run = RunFolder(path: scratch.file("killed"))
      let job = ChildProcess(
        [Program.path] + arguments + [run.path, "--ranks", "\(ranks)", "--restarts", "\(kills)"] + settings,
        timeLimit: 300)
      var earlier: Set<pid_t> = []
      for kill in 0..<kills {
        var processes: [pid_t] = []
        let isStarted = eventually(within: 60) {
          processes = (0..<ranks).compactMap { RankProcess.identifier(ofRank: $0, run: run.path) }
          return processes.count == ranks && earlier.isDisjoint(with: processes)
        }
        try #require(isStarted, "the run ended after \(kill) kills")
        waitForRandomMoment(run)
        try #require(
          Glibc.kill(processes.randomElement()!, SIGKILL) == 0, "the run ended after \(kill) kills")
        earlier.formUnion(processes)
      }
      let output = job.wait()
      #expect(output.exitCode == 0, "\(output.description)")
      let restarts =
        output.standardError.components(separatedBy: "going on from the last checkpoint").count - 1
      #expect(restarts == kills, "\(output.description)")

      let undisturbed = RunFolder(path: scratch.file("undisturbed"))
      let reference = Program.run(arguments + [undisturbed.path] + settings, ranks: ranks)
      try #require(reference.exitCode == 0, "\(reference.description)")
      #expect(try run.results() == undisturbed.results())
      #expect(try run.exportedWeights() == undisturbed.exportedWeights())
    }

    @Test("A rank that stands still is found, named in a report, and the run goes on", arguments: [0, 1])
    func stoppedRank(rank: Int) throws {
      let run = RunFolder(path: scratch.file("stopped"))
      let job = ChildProcess(
        [Program.path] + arguments + [run.path, "--ranks", "2", "--step-time-limit", "2"])
      #expect(eventually(within: 60) { run.stepCount >= 60 })
      try #require(RankProcess.signal(SIGSTOP, rank: rank, run: run.path), "the rank had ended")
      let output = job.wait()
      #expect(output.exitCode == 0, "\(output.description)")
      #expect(output.standardError.contains("restart 1 of 3"), "\(output.description)")
      let report = try hangReport(of: run)
      #expect(Self.names(rank, in: report), "\(report)")
      #expect(report.contains("Rank \(1 - rank), newest first"), "\(report)")
      #expect(try run.results() == undisturbed.results())
      #expect(try run.exportedWeights() == undisturbed.exportedWeights())
    }

    @Test("Under mpirun alone a run that hangs ends with a report and exit code 70")
    func stoppedRankWithoutSupervisor() throws {
      let run = RunFolder(path: scratch.file("stopped"))
      let job = ChildProcess(
        Program.mpirun(ranks: 4) + arguments + [run.path, "--step-time-limit", "2"])
      #expect(eventually(within: 60) { run.stepCount >= 60 })
      try #require(RankProcess.signal(SIGSTOP, rank: 1, run: run.path), "the rank had ended")
      let output = job.wait()
      #expect(output.exitCode == 70, "\(output.description)")
      #expect(output.standardError.contains("error: The run hung in"), "\(output.description)")
      let report = try hangReport(of: run)
      #expect(Self.names(1, in: report) && report.contains("Rank 2, newest first"), "\(report)")
      #expect(eventually(within: 10) { !RankProcess.exists(run: run.path) }, "a rank outlived the job")
    }

    @Test("A single process that hangs ends with a report and exit code 70")
    func slowSingleProcess() throws {
      let run = RunFolder(path: scratch.file("slow"))
      let endless = ["--set", "training.steps=1000000", "--set", "output.checkpoint_every=0"]
      let output = Program.run(arguments + [run.path, "--step-time-limit", "1e-6"] + endless)
      #expect(output.exitCode == 70, "\(output.description)")
      #expect(output.standardError.contains("error: The run hung in"), "\(output.description)")
      #expect(try hangReport(of: run).contains("Rank 0, newest first"))
    }

    @Test("Steps that are not finite are skipped, their documents are named, and three in a row end the run")
    func notFinite() throws {
      let run = RunFolder(path: scratch.file("exploding"))
      let settings = ["training.peak_learning_rate=1e38", "training.warmup_steps=0"]
      let output = Program.run(
        arguments + [run.path, "--ranks", "2"] + settings.flatMap { ["--set", $0] })
      #expect(output.exitCode == 78, "\(output.description)")
      for word in ["3 steps in a row, 2 to 4", "skipped.jsonl"] {
        #expect(output.standardError.contains(word), "\(output.description)")
      }
      let lines = try String(contentsOfFile: run.path + "/skipped.jsonl", encoding: .utf8).split(
        separator: "\n")
      #expect(lines.count == 3)
      struct Skip: Decodable { var documents: [String] }
      let documents = try lines.flatMap { try JSONDecoder().decode(Skip.self, from: Data($0.utf8)).documents }
      let words = try #require(documents.last).split(separator: " ").map(String.init)
      #expect(Program.run(["inspect", "shard"] + words).exitCode == 0, "\(words)")
    }

    /// A rank that is stopped says nothing, or what it had seen when mpirun woke it up to end it.
    private static func names(_ rank: Int, in report: String) -> Bool {
      report.contains("Rank \(rank) did not report") || report.contains("Rank \(rank) stood still")
    }

    /// The one report there is.
    private func hangReport(of run: RunFolder) throws -> String {
      let folder = run.path + "/hangs"
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(names.count == 1 && names[0].hasPrefix("step-"), "\(names)")
      return try String(contentsOfFile: folder + "/" + names[0], encoding: .utf8)
    }

    @Test(
      "Under mpirun alone SIGUSR1 to mpirun and SIGTERM to a rank stop with a checkpoint, exit code 75",
      arguments: [SIGUSR1, SIGTERM])
    func stoppedUnderMPI(signal: Int32) throws {
      let run = RunFolder(path: scratch.file("asked"))
      let job = ChildProcess(Program.mpirun(ranks: 2) + arguments + [run.path])
      #expect(eventually(within: 60) { run.stepCount >= 60 })
      if signal == SIGTERM {
        try #require(RankProcess.signal(signal, rank: 1, run: run.path), "the rank had ended")
      } else {
        kill(try #require(job.program), signal)
      }
      let output = job.wait()
      #expect(output.exitCode == 75, "\(output.description)")
      #expect(run.stepCount < CrashTests.steps)
      #expect(try #require(run.checkpoints().last).hasSuffix(String(run.stepCount)))
    }
  }
}
