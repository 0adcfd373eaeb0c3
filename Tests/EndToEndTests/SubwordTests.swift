import Foundation
import Testing

extension EndToEnd {
  /// The baseline through the same commands as the hierarchical model.
  @Suite("Subword model")
  struct SubwordTests {
    let scratch: Scratch
    let corpus: String

    init() throws {
      scratch = try Scratch()
      corpus = try scratch.corpus()
    }

    private func configuration(steps: Int = 12, vocabulary: Int = 280) throws -> String {
      try scratch.write(
        """
        model:
          kind: subword
          vocabulary: \(vocabulary)
          width: 32
          head_size: 8
          layers: 2
          kv_heads: 2
        data: { sequence_words: 24, sequence_bytes: 160, seed: 3 }
        training:
          steps: \(steps)
          sequences_per_step: 8
          micro_batches: 4
          warmup_steps: 3
          peak_learning_rate: 0.003
        output: { checkpoint_every: 4, keep: 2, evaluate_every: 4 }
        """, to: "subword-\(UUID().uuidString).yaml")
    }

    private func train(
      _ run: String, _ configuration: String, _ options: [String] = [], ranks: Int = 1
    ) throws -> ChildProcess.Output {
      let arguments = ["train", "--config", configuration, "--data", corpus, "--output", run] + options
      let output = ranks == 1 ? Program.run(arguments) : Program.run(arguments, ranks: ranks)
      try #require(output.exitCode == 0, "\(output.description)")
      return output
    }

    @Test("1, 2 and 4 ranks give the same losses and weights, at every ZeRO stage")
    func rankCounts() throws {
      let configuration = try configuration()
      let alone = RunFolder(path: scratch.file("alone"))
      let output = try train(alone.path, configuration)
      #expect(output.standardError.contains("280 tokens is learned"))
      let (results, weights) = (try alone.results(), try alone.exportedWeights())
      #expect(results.count == 12)
      for (ranks, stage) in [(2, 0), (2, 2), (4, 3)] {
        let run = RunFolder(path: scratch.file("ranks-\(ranks)-\(stage)"))
        _ = try train(run.path, configuration, ["--set", "training.zero_stage=\(stage)"], ranks: ranks)
        #expect(try run.results() == results, "\(ranks) ranks, stage \(stage)")
        #expect(
          try run.exportedWeights().suffix(4096) == weights.suffix(4096), "\(ranks) ranks, stage \(stage)")
      }
    }

    @Test("A run stopped and resumed on another number of ranks is the undisturbed run")
    func resumes() throws {
      let configuration = try configuration(steps: 200)
      let undisturbed = RunFolder(path: scratch.file("undisturbed"))
      _ = try train(undisturbed.path, configuration)
      let run = RunFolder(path: scratch.file("resumed"))
      let arguments = ["train", "--config", configuration, "--data", corpus, "--output", run.path]
      let stopped = ChildProcess(Program.mpirun(ranks: 2) + arguments)
      #expect(eventually(within: 60) { run.stepCount >= 20 })
      try #require(RankProcess.signal(15, rank: 1, run: run.path), "the rank had ended")
      #expect(stopped.wait().exitCode == 75)
      _ = try train(run.path, configuration)
      #expect(try run.results() == undisturbed.results())
      #expect(try run.exportedWeights() == undisturbed.exportedWeights())
    }

    @Test("Evaluates, exports and imports")
    func otherCommands() throws {
      let configuration = try configuration()
      let run = RunFolder(path: scratch.file("run"))
      _ = try train(run.path, configuration)
      func measure(_ run: String) throws -> [String: Any] {
        let output = Program.run(
          ["evaluate", "--checkpoint", run, "--data", corpus, "--part", "train", "--json"])
        try #require(output.exitCode == 0, "\(output.description)")
        return try #require(
          try JSONSerialization.jsonObject(with: Data(output.standardOutput.utf8)) as? [String: Any])
      }
      let measured = try measure(run.path)
      let bits = try #require(measured["bits_per_byte"] as? Double)
      #expect(bits > 0.5 && bits < 9)
      #expect(measured["byte_accuracy"] is NSNull)
      #expect((measured["word_accuracy"] as? Double) != nil)

      let (weights, again) = (scratch.file("weights.safetensors"), scratch.file("again"))
      let export = Program.run(["export", "--checkpoint", run.path, "--output", weights])
      #expect(export.exitCode == 0 && export.standardOutput.contains("tokenizer.json"))
      let importing = ["import", "--weights", weights, "--config", configuration, "--output", again]
      let incomplete = Program.run(importing)
      #expect(incomplete.exitCode == 64 && incomplete.standardError.contains("--tokenizer"))
      #expect(Program.run(importing + ["--tokenizer", run.path + "/tokenizer.json"]).exitCode == 0)
      #expect(try measure(again)["bits_per_byte"] as? Double == bits)
    }

    @Test("Questions are scored by the same command")
    func questions() throws {
      let run = scratch.file("run")
      _ = try train(run, configuration())
      let cloze = try scratch.write(
        #"{"context": "the white whale said the", "target": " sea"}"# + "\n", to: "cloze.jsonl")
      let output = Program.run(["evaluate", "--checkpoint", run, "--cloze", cloze, "--json"])
      #expect(output.exitCode == 0 && output.standardOutput.contains("perplexity"), "\(output.description)")
    }

    @Test("A tokenizer that is not the run's is refused")
    func otherTokenizers() throws {
      let (run, configuration) = (scratch.file("run"), try configuration())
      _ = try train(run, configuration)
      let (other, larger) = (scratch.file("other.json"), scratch.file("larger.json"))
      let otherCorpus = try scratch.corpus("other", documents: scratch.documents(seed: 9))
      for (file, size, data) in [(other, "280", otherCorpus), (larger, "290", corpus)] {
        let learn = ["tokenizer", "learn", "--data", data, "--vocabulary", size, "--output", file]
        try #require(Program.run(learn).exitCode == 0)
      }
      func refused(_ options: [String], output: String) -> ChildProcess.Output {
        Program.run(["train", "--config", configuration, "--data", corpus, "--output", output] + options)
      }
      let another = refused(["--tokenizer", other], output: run)
      #expect(another.exitCode == 78 && another.standardError.contains("another tokenizer"))
      let wrongSize = refused(["--tokenizer", larger], output: scratch.file("new"))
      #expect(wrongSize.exitCode == 78 && wrongSize.standardError.contains("model.vocabulary"))
      try FileManager.default.removeItem(atPath: run + "/tokenizer.json")
      try FileManager.default.copyItem(atPath: other, toPath: run + "/tokenizer.json")
      let swapped = Program.run(["evaluate", "--checkpoint", run, "--data", corpus])
      #expect(swapped.exitCode == 65 && swapped.standardError.contains("tokenizer.json"))
      #expect(refused([], output: run).exitCode == 78)
    }

    @Test("Steps are measured by the same command")
    func benchmark() throws {
      let (configuration, tokenizer) = (try configuration(), scratch.file("t.json"))
      let learn = ["tokenizer", "learn", "--data", corpus, "--vocabulary", "280", "--output", tokenizer]
      try #require(Program.run(learn).exitCode == 0)
      let measure = [
        "benchmark", "train", "--config", configuration, "--steps", "1", "--threads", "1", "--json",
      ]
      let output = Program.run(measure + ["--data", corpus, "--tokenizer", tokenizer])
      #expect(
        output.exitCode == 0 && output.standardOutput.contains("dense_to_sgemm"), "\(output.description)")
      let incomplete = Program.run(measure)
      #expect(incomplete.exitCode == 64 && incomplete.standardError.contains("tokenizer learn"))
    }

    @Test("A hierarchical model takes no tokenizer")
    func noTokens() throws {
      let output = Program.run([
        "train", "--config", try scratch.configuration(), "--data", corpus, "--output", scratch.file("run"),
        "--tokenizer", "none.json",
      ])
      #expect(output.exitCode == 64 && output.standardError.contains("kind: subword"))
    }
  }

  /// Training that begins with another run's parameters.
  @Suite("Initial parameters")
  struct InitialParametersTests {
    @Test("A run begins with another's parameters, and says whose when it is resumed")
    func initializeFrom() throws {
      let scratch = try Scratch()
      let (corpus, configuration) = (try scratch.corpus(), try scratch.configuration())
      let other = try scratch.corpus("other", documents: scratch.documents(seed: 5))
      let first = RunFolder(path: scratch.file("first"))
      let train = ["train", "--config", configuration, "--data"]
      try #require(Program.run(train + [corpus, "--output", first.path]).exitCode == 0)

      let second = RunFolder(path: scratch.file("second"))
      let adapt = train + [other, "--output", second.path]
      let from = ["--initialize-from", first.path + "@8"]
      try #require(Program.run(adapt + from, ranks: 2).exitCode == 0)
      let scratchRun = RunFolder(path: scratch.file("from-scratch"))
      try #require(Program.run(train + [other, "--output", scratchRun.path]).exitCode == 0)
      let (adapted, fresh) = (try second.results(), try scratchRun.results())
      #expect(try #require(Double(adapted[0]["loss"]!)) < (try #require(Double(fresh[0]["loss"]!))))

      // It goes on without being told again, but not with something else.
      #expect(Program.run(adapt).exitCode == 0)
      let wrong = Program.run(adapt + ["--initialize-from", first.path + "@12"])
      #expect(wrong.exitCode == 78 && wrong.standardError.contains("did not begin"))
      try FileManager.default.removeItem(atPath: second.path + "/checkpoints")
      let lost = Program.run(adapt)
      #expect(lost.exitCode == 78 && lost.standardError.contains("--initialize-from"))

      let wider = try scratch.configuration(["model.layers": "3"])
      let misfit = Program.run(
        ["train", "--config", wider, "--data", other, "--output", scratch.file("third")] + from)
      #expect(misfit.exitCode == 78 && misfit.standardError.contains("model.layers"))
      #expect(!FileManager.default.fileExists(atPath: scratch.file("third")))
    }
  }
}
