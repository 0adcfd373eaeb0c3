import Glibc
import Testing

extension EndToEnd {
  /// What happens to a run when something happens to its ranks.
  @Suite("Crashes")
  struct CrashTests {
    static let steps = 300

    /// A corpus, and the run that nothing happens to: trained once for all tests.
    struct Undisturbed {
      let scratch: Scratch
      let corpus: String
      let arguments: [String]
      let run: RunFolder

      init() throws {
        scratch = try Scratch()
        corpus = try scratch.corpus()
        let configuration = try scratch.configuration([
          "training.steps": String(CrashTests.steps), "output.checkpoint_every": "25",
          "training.optimizer": "muon", "model.byte_ngrams": "4", "model.byte_ngram_rows": "100",
          "model.prefix_ngrams": "2", "model.prefix_ngram_rows": "150",
        ])
        arguments = ["train", "--config", configuration, "--data", corpus, "--output"]
        run = RunFolder(path: scratch.file("undisturbed"))
        let output = Program.run(arguments + [run.path], ranks: 2)
        try #require(output.exitCode == 0, "\(output.description)")
      }
    }

    static let shared = Result { try Undisturbed() }

    let scratch: Scratch
    let corpus: String
    let arguments: [String]
    let undisturbed: RunFolder

    init() throws {
      scratch = try Scratch()
      let shared = try Self.shared.get()
      (corpus, arguments, undisturbed) = (shared.corpus, shared.arguments, shared.run)
    }

    @Test("A rank killed, twice: the job ends within seconds; run again it ends as if nothing had been")
    func killedRank() throws {
      let run = RunFolder(path: scratch.file("killed"))
      for round in 1...2 {
        let job = ChildProcess(Program.mpirun(ranks: 2) + arguments + [run.path])
        #expect(eventually(within: 60) { run.stepCount >= 75 * round })
        try #require(RankProcess.signal(SIGKILL, rank: round % 2, run: run.path), "the rank had ended")
        let output = job.wait()
        #expect(output.exitCode != 0 && !output.isTimedOut)
        #expect(eventually(within: 10) { !RankProcess.exists(run: run.path) }, "a rank outlived the job")
      }
      try expectUndisturbed(run)
    }

    @Test("train --ranks restarts by itself after kill -9 of a rank")
    func restarted() throws {
      let run = RunFolder(path: scratch.file("restarted"))
      let job = ChildProcess([Program.path] + arguments + [run.path, "--ranks", "2"])
      #expect(eventually(within: 60) { run.stepCount >= 75 })
      try #require(RankProcess.signal(SIGKILL, rank: 1, run: run.path), "the rank had ended")
      let output = job.wait()
      #expect(output.exitCode == 0, "\(output.description)")
      #expect(try run.results() == undisturbed.results())
      #expect(try run.exportedWeights() == undisturbed.exportedWeights())
    }

    @Test(
      "SIGTERM stops after a step with a checkpoint, exit code 75, and nothing is lost", arguments: [1, 4])
    func terminated(ranksAfter: Int) throws {
      let run = RunFolder(path: scratch.file("terminated"))
      let job = ChildProcess([Program.path] + arguments + [run.path, "--ranks", "2"])
      #expect(eventually(within: 60) { run.stepCount >= 60 })
      try #require(RankProcess.signal(SIGTERM, rank: 1, run: run.path), "the rank had ended")
      let output = job.wait()
      #expect(output.exitCode == 75, "\(output.description)")
      let done = run.stepCount
      #expect(done < Self.steps)
      #expect(
        try #require(run.checkpoints().last).hasSuffix(String(done)), "the last step is in a checkpoint")
      try expectUndisturbed(run, ranks: ranksAfter)
    }

    @Test("Under nohup a SIGHUP does not stop it", arguments: [[String](), ["--ranks", "2"]])
    func hungUp(options: [String]) throws {
      let run = RunFolder(path: scratch.file("hung-up"))
      let job = ChildProcess(["nohup", Program.path] + arguments + [run.path] + options)
      #expect(eventually(within: 60) { run.stepCount >= 10 })
      kill(try #require(job.program), SIGHUP)
      let output = job.wait()
      #expect(output.exitCode == 0, "\(output.description)")
      #expect(try run.results() == undisturbed.results())
    }

    @Test(
      "A signal to the command stops after a step with a checkpoint, exit code 75, and nothing is lost",
      arguments: [
        (SIGINT, [String]()), (SIGTERM, []), (SIGUSR1, []), (SIGHUP, []), (SIGINT, ["--ranks", "2"]),
        (SIGHUP, ["--ranks", "2"]),
      ])
    func interrupted(signal: Int32, options: [String]) throws {
      let run = RunFolder(path: scratch.file("interrupted"))
      let job = ChildProcess([Program.path] + arguments + [run.path] + options)
      #expect(eventually(within: 60) { run.stepCount >= 30 })
      kill(try #require(job.program), signal)
      let output = job.wait()
      #expect(output.exitCode == 75, "\(output.description)")
      #expect(run.stepCount < Self.steps)
      #expect(try #require(run.checkpoints().last).hasSuffix(String(run.stepCount)))
      try expectUndisturbed(run)
    }

    @Test("One rank that fails stops all within seconds, with one message")
    func failingRank() throws {
      let run = RunFolder(path: scratch.file("failing"))
      let missing = scratch.file("no-such-corpus")
      var elsewhere = arguments + [run.path]
      elsewhere[elsewhere.firstIndex(of: corpus)!] = missing
      let job =
        Array(Program.mpirun(ranks: 3)) + arguments + [run.path] + [":", "-np", "1", Program.path] + elsewhere
      let output = ChildProcess.run(job, timeLimit: 60)
      #expect(!output.isTimedOut && output.seconds < 15, "\(output.description)")
      #expect(output.exitCode == 66, "\(output.description)")
      #expect(output.standardError.components(separatedBy: missing).count == 2, "\(output.description)")
    }

    /// Lets a stopped run end, and compares it with the one that was left alone.
    private func expectUndisturbed(_ run: RunFolder, ranks: Int = 2) throws {
      let output = Program.run(arguments + [run.path], ranks: ranks)
      #expect(output.exitCode == 0, "\(output.description)")
      #expect(try run.results() == undisturbed.results())
      #expect(try run.exportedWeights() == undisturbed.exportedWeights())
    }
  }
}
