import Foundation
import Testing

extension EndToEnd {
  /// What somebody meets who is new: words that are almost right, and messages that say what to write instead.
  @Suite("The first hour")
  struct FirstHourTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test("The version")
    func version() {
      let output = Program.run(["--version"])
      #expect(output.exitCode == 0 && output.standardOutput.hasPrefix("hat "), "\(output.description)")
      for word in ["\ncommit: ", "\nMPI: Open MPI v", "\nprocessor: AVX2, FMA"] {
        #expect(output.standardOutput.contains(word), "\(output.description)")
      }
    }

    @Test("A text file where a corpus is meant, a checkpoint's folder where a run is meant")
    func almostRight() throws {
      let run = try scratch.trainedRun(steps: 2)
      let text = try scratch.documents()
      let evaluate = ["evaluate", "--checkpoint", run, "--data", text]
      expectMistake(Program.run(evaluate), exitCode: 66, mentions: ["preprocess --output FOLDER \(text)"])
      let checkpoint = "\(run)/checkpoints/step-00000002"
      expectMistake(
        Program.run(["generate", "--checkpoint", checkpoint]), exitCode: 64, mentions: ["Write \(run)@2"])
      expectMistake(
        Program.run(["plan", "--config", "\(run)/config.yaml", "--memory-per-node", "24"]), exitCode: 64,
        mentions: ["64MiB"])
    }

    @Test("A damaged newest checkpoint: the step that is used instead")
    func damagedNewest() throws {
      let run = try scratch.trainedRun(steps: 2)
      let manifest = "\(run)/checkpoints/step-00000002/manifest.json"
      try Data("{}".utf8).write(to: URL(fileURLWithPath: manifest))
      let output = Program.run(["generate", "--checkpoint", run, "--bytes", "3"])
      #expect(output.exitCode == 0)
      #expect(output.standardError.contains("Step 1 is used instead."), "\(output.description)")
    }

    @Test("Reports fit 80 columns, and say what is better and what is undecided")
    func reports() throws {
      let run = try scratch.trainedRun(steps: 2)
      let evaluate = [
        "evaluate", "--checkpoint", run, "--data", scratch.file("corpus"), "--against", "\(run)@1",
      ]
      for perturbation in [[], ["--perturb", "all-caps"]] {
        let output = Program.run(evaluate + perturbation)
        #expect(output.exitCode == 0)
        for line in output.standardOutput.split(separator: "\n") where line.hasPrefix("  ") {
          #expect(line.count <= 80 || line.contains(run), "\(line)")
        }
        #expect(output.standardOutput.contains("is better in") || output.standardOutput.contains("undecided"))
      }
      let text = try scratch.write("One document alone.", to: "one.txt")
      let alone = Program.run(["evaluate", "--checkpoint", run, "--text", text])
      #expect(alone.standardOutput.contains("needs two documents"), "\(alone.description)")
    }

    @Test("A run knows its corpora from any folder")
    func anyFolder() throws {
      let configuration = try scratch.configuration(["training.steps": "1"])
      _ = try scratch.corpus()
      let train =
        "cd '\(scratch.path)' && exec \"$0\" train --config '\(configuration)' --data corpus --output run"
      let trained = ChildProcess.run(["sh", "-c", train, Program.path])
      try #require(trained.exitCode == 0, "\(trained.description)")
      let inspect = "cd / && exec \"$0\" inspect words --checkpoint '\(scratch.path)/run' --near whale"
      let output = ChildProcess.run(["sh", "-c", inspect, Program.path])
      #expect(output.exitCode == 0, "\(output.description)")
    }
  }
}
