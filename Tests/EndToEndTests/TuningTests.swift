import Foundation
import Testing

extension EndToEnd {
  /// Models that are tuned: on dialogues, and on preference pairs.
  @Suite("Tuning")
  struct TuningTests {
    /// A model that learned from text, and corpora to tune it on: made once for all tests.
    struct Material {
      let scratch: Scratch
      /// By kind of model.
      var begun: [String: (configuration: String, run: String)] = [:]
      let dialogues: String
      let pairs: String

      init() throws {
        scratch = try Scratch()
        let text = try scratch.corpus()
        dialogues = try Self.corpus("dialogues", Self.dialogues, in: scratch)
        pairs = try Self.corpus("preferences", Self.pairs, in: scratch)
        for kind in ["hierarchical", "subword"] {
          var settings = ["training.optimizer": "muon", "training.micro_batches": "4"]
          (settings["data.sequence_words"], settings["data.sequence_bytes"]) = ("64", "512")
          if kind == "subword" { (settings["model.kind"], settings["model.vocabulary"]) = (kind, "270") }
          let configuration = try scratch.configuration(settings)
          let run = scratch.file(kind)
          let output = Program.run([
            "train", "--config", configuration, "--data", text, "--output", run,
          ])
          try #require(output.exitCode == 0, "\(output.description)")
          begun[kind] = (configuration, run)
        }
      }

      private static func corpus(_ kind: String, _ lines: [String], in scratch: Scratch) throws -> String {
        let input = try scratch.write(lines.joined(separator: "\n") + "\n", to: "\(kind).jsonl")
        let output = Program.run([
          "preprocess", "--documents", kind, "--output", scratch.file(kind), "--holdout", "0.1", input,
        ])
        try #require(output.exitCode == 0, "\(output.description)")
        return scratch.file(kind)
      }

      private static let dialogues = (0..<60).map { number in
        #"{"messages": [{"role": "user", "content": "Say \#(number) twice."}, "#
          + #"{"role": "assistant", "content": "\#(number) and \#(number), größer."}]}"#
      }

      private static let pairs = (0..<60).map { number in
        #"{"prompt": "What follows \#(number)?", "chosen": "\#(number + 1) does.", "rejected": "The whale."}"#
      }

      /// `train` from the model that was begun, but for `--output` and its folder.
      func arguments(_ kind: String, _ data: String, _ settings: [String] = []) -> [String] {
        let (configuration, run) = begun[kind]!
        return ["train", "--config", configuration, "--data", data, "--initialize-from", run]
          + settings.flatMap { ["--set", $0] } + ["--output"]
      }
    }

    static let material = Result { try Material() }

    let material: Material
    let scratch: Scratch

    init() throws {
      material = try Self.material.get()
      scratch = try Scratch()
    }

    @Test(
      "The number of ranks and the ZeRO stage change nothing, to the last bit",
      arguments: ["hierarchical", "subword"], ["dialogues", "preferences"])
    func sameBits(kind: String, documents: String) throws {
      let data = documents == "dialogues" ? material.dialogues : material.pairs
      let alone = RunFolder(path: scratch.file("alone"))
      let output = Program.run(
        material.arguments(kind, data, ["output.evaluate_every=6"]) + [alone.path])
      try #require(output.exitCode == 0, "\(output.description)")
      let evaluations = try String(contentsOfFile: alone.path + "/evaluations.jsonl", encoding: .utf8)
      #expect(evaluations.contains("preference_accuracy") == (documents == "preferences"))
      for (ranks, stage) in [(2, 1), (4, 3)] {
        let run = RunFolder(path: scratch.file("ranks-\(ranks)"))
        let output = Program.run(
          material.arguments(kind, data, ["output.evaluate_every=6", "training.zero_stage=\(stage)"])
            + [run.path], ranks: ranks)
        try #require(output.exitCode == 0, "\(output.description)")
        #expect(try run.results() == alone.results(), "\(ranks) ranks")
        #expect(try run.exportedTensors() == alone.exportedTensors(), "\(ranks) ranks")
        #expect(try String(contentsOfFile: run.path + "/evaluations.jsonl", encoding: .utf8) == evaluations)
      }
    }

    @Test("The first loss of preference pairs is that of a model that has no preference, ln 2")
    func firstLoss() throws {
      let run = RunFolder(path: scratch.file("run"))
      let output = Program.run(
        material.arguments("hierarchical", material.pairs, ["training.peak_learning_rate=0.01"]) + [run.path])
      try #require(output.exitCode == 0, "\(output.description)")
      let losses = try run.results().map { try #require(Double($0["loss"]!)) }
      #expect(abs(losses[0] - log(2)) < 1e-5)
      #expect(losses.last! < 0.6, "it learns: \(losses)")
    }

    @Test(
      "A rank killed while tuning on pairs: run again, without the run it began with, it ends as if nothing had been"
    )
    func killed() throws {
      let settings = ["training.steps=200", "output.checkpoint_every=20"]
      let arguments = material.arguments("hierarchical", material.pairs, settings)
      let undisturbed = RunFolder(path: scratch.file("undisturbed"))
      try #require(Program.run(arguments + [undisturbed.path], ranks: 2).exitCode == 0)
      let run = RunFolder(path: scratch.file("killed"))
      let job = ChildProcess(Program.mpirun(ranks: 2) + arguments + [run.path])
      #expect(eventually(within: 60) { run.stepCount >= 60 })
      try #require(RankProcess.signal(SIGKILL, rank: 1, run: run.path), "the rank had ended")
      #expect(job.wait().exitCode != 0)
      let initial = arguments.firstIndex(of: "--initialize-from")!
      let later = Array(arguments[..<initial] + arguments[(initial + 2)...]) + [run.path]
      let output = Program.run(later, ranks: 4)
      #expect(output.exitCode == 0, "\(output.description)")
      #expect(try run.results() == undisturbed.results())
      #expect(try run.exportedWeights() == undisturbed.exportedWeights())
    }

    @Test(
      "A model tuned on dialogues answers in chat; evaluate counts the answers alone",
      arguments: ["hierarchical", "subword"])
    func answers(kind: String) throws {
      let path = scratch.file("run")
      let output = Program.run(
        material.arguments(kind, material.dialogues, ["training.steps=150", "output.evaluate_every=150"]) + [
          path
        ])
      try #require(output.exitCode == 0, "\(output.description)")
      let answer = Program.run([
        "generate", "--checkpoint", path, "--chat", "--prompt", "Say 7 twice.", "--temperature", "0",
      ])
      #expect(answer.exitCode == 0 && answer.standardOutput.contains(" and "), "\(answer.description)")
      let untuned = Program.run([
        "generate", "--checkpoint", material.begun[kind]!.run, "--chat", "--prompt", "A",
      ])
      #expect(untuned.exitCode != 0, "it learned from no dialogues: \(untuned.description)")

      let evaluated = Program.run([
        "evaluate", "--checkpoint", path, "--data", material.dialogues, "--against",
        material.begun[kind]!.run, "--json",
      ])
      try #require(evaluated.exitCode == 0, "\(evaluated.description)")
      #expect(evaluated.standardOutput.contains("\"bits_per_byte\""))
      let perturbed = Program.run([
        "evaluate", "--checkpoint", path, "--data", material.dialogues, "--perturb", "all-caps",
      ])
      #expect(perturbed.exitCode == 64, "\(perturbed.description)")
      let pairs = Program.run(["evaluate", "--checkpoint", path, "--data", material.pairs, "--json"])
      #expect(
        pairs.exitCode == 0 && pairs.standardOutput.contains("preference_accuracy"), "\(pairs.description)")
    }

    @Test("A damaged or missing reference ends a start, with what to do")
    func damagedReference() throws {
      let path = scratch.file("run")
      let arguments = material.arguments("hierarchical", material.pairs) + [path]
      try #require(Program.run(arguments).exitCode == 0)
      let file = URL(fileURLWithPath: path + "/reference.json")
      let bytes = try Data(contentsOf: file)
      let more = arguments + ["--set", "training.steps=20"]
      for place in [10, bytes.count / 3, bytes.count / 2, bytes.count - 20] {
        var damaged = bytes
        damaged[place] ^= 1
        try damaged.write(to: file)
        let output = Program.run(more)
        #expect(
          output.exitCode == 65 && output.standardError.contains("reference.json"), "\(output.description)")
      }
      try bytes.prefix(bytes.count / 2).write(to: file)
      let truncated = Program.run(more)
      #expect(truncated.exitCode == 65 && truncated.standardError.contains("reference.json"))
      try FileManager.default.removeItem(at: file)
      let missing = Program.run(more)
      #expect(missing.exitCode == 66 && missing.standardError.contains("reference.json"))
      try bytes.write(to: file)
      #expect(Program.run(more).exitCode == 0)
    }

    @Test("Pairs without a model to tune, and pairs beside text, are refused")
    func refused() throws {
      let configuration = material.begun["hierarchical"]!.configuration
      let alone = Program.run([
        "train", "--config", configuration, "--data", material.pairs, "--output", scratch.file("alone"),
      ])
      #expect(alone.exitCode == 64 && alone.standardError.contains("--initialize-from"))
      let mixed = Program.run(
        material.arguments("hierarchical", material.pairs).dropLast() + [material.dialogues, "--output"]
          + [scratch.file("mixed")])
      #expect(mixed.exitCode != 0, "\(mixed.description)")
    }
  }
}
