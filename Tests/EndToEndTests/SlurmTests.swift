import Foundation
import Glibc
import Testing

extension EndToEnd {
  /// A real Slurm whose two nodes are network namespaces.
  @Suite(
    "Slurm",
    .enabled(if: SlurmCluster.hindrance == nil, "there can be no Slurm here: \(SlurmCluster.hindrance ?? "")")
  )
  struct SlurmTests {
    let scratch: Scratch
    let corpus: String
    let configuration: String
    let cluster: SlurmCluster

    private static let steps = 200

    init() throws {
      scratch = try Scratch()
      corpus = try scratch.corpus()
      configuration = try scratch.configuration([
        "training.steps": String(Self.steps), "output.checkpoint_every": "20", "training.optimizer": "muon",
        "model.byte_ngrams": "4", "model.byte_ngram_rows": "100",
      ])
      cluster = try SlurmCluster(scratch)
    }

    private func arguments(_ run: RunFolder, steps: Int = steps) -> [String] {
      ["train", "--config", configuration, "--data", corpus, "--output", run.path]
        + ["--set", "training.steps=\(steps)"]
    }

    /// What the run would be in one process.
    private func undisturbed(steps: Int) throws -> RunFolder {
      let run = RunFolder(path: scratch.file("undisturbed"))
      let output = Program.run(arguments(run, steps: steps))
      try #require(output.exitCode == 0, "\(output.description)")
      return run
    }

    private func expectUndisturbed(_ run: RunFolder, steps: Int = steps) throws {
      let undisturbed = try undisturbed(steps: steps)
      #expect(try run.results() == undisturbed.results())
      #expect(try run.exportedWeights() == undisturbed.exportedWeights())
    }

    @Test("srun over two nodes gives the weights of one process, and says where its ranks are")
    func bitIdentity() throws {
      let run = RunFolder(path: scratch.file("run"))
      let output = cluster.run(SlurmCluster.srun(arguments(run, steps: 40)))
      try #require(output.exitCode == 0, "\(output.description)")
      for node in cluster.nodes { #expect(output.standardError.contains(node), "\(output.description)") }
      #expect(output.standardError.contains("on 2 ranks"), "\(output.description)")
      try expectUndisturbed(run, steps: 40)
    }

    @Test("Nobody else may write to a run, on either node; SIGUSR1 to srun ends it with a checkpoint")
    func otherTraining() throws {
      let run = RunFolder(path: scratch.file("run"))
      let endless = arguments(run, steps: 1_000_000) + ["--set", "output.checkpoint_every=0"]
      let job = cluster.start(SlurmCluster.srun(endless))
      try #require(eventually(within: 60) { run.stepCount >= 5 })
      let elsewhere = ["srun", "--nodes", "1", "--ntasks", "1", "--nodelist", cluster.nodes[1], "--mpi=pmix"]
      for launcher in [elsewhere, []] {
        let second = cluster.run(launcher + [Program.path] + endless)
        #expect(second.exitCode == 73 && second.seconds < 10, "\(second.description)")
        #expect(second.standardError.contains("another training (process "), "\(second.description)")
        #expect(second.standardError.contains("on \(cluster.nodes[0]), Slurm job"), "\(second.description)")
      }
      kill(try #require(job.program), SIGUSR1)
      let output = job.wait()
      #expect(output.exitCode == 75, "\(output.description)")
      #expect(try #require(run.checkpoints().last).hasSuffix(String(run.stepCount)))
    }

    @Test("An srun whose tasks do not find each other is refused with one message, and --ranks under srun")
    func refused() throws {
      let run = RunFolder(path: scratch.file("run"))
      for options in [["--mpi=none"], ["--mpi=pmi2"]] {
        let output = cluster.run(SlurmCluster.srun(arguments(run), options: options))
        expectRefused(output, mentions: ["srun", "2 processes", "srun --mpi=pmix"])
      }
      let ranks = cluster.run(SlurmCluster.srun(arguments(run) + ["--ranks", "2"]))
      expectRefused(ranks, mentions: ["--ranks 2", "srun has already started 2 ranks"])
      let scaling = ["benchmark", "scaling", "--config", configuration, "--data", corpus]
      expectRefused(cluster.run(SlurmCluster.srun(scaling)), mentions: ["benchmark scaling", "by itself"])
      let preprocess = ["preprocess", "--output", scratch.file("other"), try scratch.documents()]
      expectRefused(
        cluster.run(SlurmCluster.srun(preprocess, options: ["--mpi=none"])), mentions: ["srun --mpi=pmix"])
      #expect(cluster.run(SlurmCluster.srun(preprocess)).exitCode == 0)
      #expect(!FileManager.default.fileExists(atPath: run.path))
    }

    private func expectRefused(_ output: ChildProcess.Output, mentions words: [String]) {
      #expect(output.exitCode == 64, "\(output.description)")
      let errors = output.standardError.split(separator: "\n").filter { !$0.hasPrefix("srun: ") }
      #expect(errors.count == 1 && errors[0].hasPrefix("error: "), "\(output.description)")
      for word in words { #expect(output.standardError.contains(word), "\(output.description)") }
    }

    @Test(
      "The batch script stops with a checkpoint when asked to, goes back into the queue, and ends as if undisturbed",
      arguments: ["mpirun", "srun"])
    func batchScript(launcher: String) throws {
      let run = RunFolder(path: scratch.file("run"))
      let job = try SlurmJob(
        cluster, launcher: launcher, configuration: configuration, corpus: corpus, run: run)
      try #require(eventually(within: 60) { run.stepCount >= 10 }, "\(job.messages)")
      // To the script, as before the end of the time; to the ranks, as an administrator may do it.
      #expect(launcher == "mpirun" ? job.signal("--batch", "--signal=USR1") : job.signal("--signal=TERM"))
      #expect(job.wait() == "COMPLETED", "\(job.messages)")
      #expect(job.field("Restarts") == "1", "\(job.messages)")
      #expect(job.messages.contains("with a checkpoint: run the same command again"), "\(job.messages)")
      #expect(job.messages.contains("resuming from step"), "\(job.messages)")
      try expectUndisturbed(run)
    }

    @Test("A rank that is killed costs a restart, a node that is lost a requeue: nothing else is lost")
    func faults() throws {
      let run = RunFolder(path: scratch.file("run"))
      let job = try SlurmJob(
        cluster, launcher: "srun", configuration: configuration, corpus: corpus, run: run)
      try #require(eventually(within: 60) { run.stepCount >= 20 }, "\(job.messages)")
      try #require(cluster.killRankOnSecondNode(), "\(job.messages)")
      try #require(eventually(within: 60) { run.stepCount >= 70 }, "\(job.messages)")
      #expect(job.messages.contains("going on from the last checkpoint"), "\(job.messages)")
      #expect(cluster.setCable("down"))
      #expect(eventually(within: 60) { job.field("Restarts") == "1" }, "\(job.messages)")
      #expect(cluster.setCable("up"))
      #expect(job.wait() == "COMPLETED", "\(job.messages)")
      try expectUndisturbed(run)
    }
  }
}
