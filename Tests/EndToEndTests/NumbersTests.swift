import Foundation
import Testing

extension EndToEnd {
  /// Numbers that nobody can compute with, from the command line and in files.
  @Suite("Numbers")
  struct NumbersTests {
    static let preset = Program.repository + "/configs/tiny.yaml"
    static let impossible = ["9223372036854775807", "0", "nan"]

    @Test(
      "Options outside of their range name it",
      arguments: [
        ["plan", "--config", preset, "--ranks"], ["plan", "--config", preset, "--nodes"],
        ["plan", "--config", preset, "--max-word-bytes"],
        ["plan", "--config", preset, "--bytes-per-word"], ["plan", "--config", preset, "--bytes-per-token"],
        ["preprocess", "--output", "x", "y.txt", "--ranks"], ["split", "--max-word-bytes"],
        ["train", "--config", preset, "--data", "x", "--output", "y", "--ranks"],
        ["train", "--config", preset, "--data", "x", "--output", "y", "--threads"],
        ["evaluate", "--checkpoint", "x", "--text", "y", "--threads"],
        ["generate", "--checkpoint", "x", "--threads"],
        ["serve", "--checkpoint", "x", "--slots"], ["serve", "--checkpoint", "x", "--timeout"],
        ["import", "--weights", "x", "--config", preset, "--output", "y", "--max-word-bytes"],
        ["inspect", "batches", "--config", preset, "--data", "x", "--steps"],
        ["inspect", "words", "--checkpoint", "x", "--near", "y", "--count"],
        ["benchmark", "train", "--config", preset, "--steps"],
        ["benchmark", "generate", "--checkpoint", "x", "--batch"],
        ["benchmark", "generate", "--checkpoint", "x", "--prompt-bytes"],
        ["benchmark", "scaling", "--config", preset, "--data", "x", "--nodes"],
      ])
    func options(arguments: [String]) {
      let option = arguments.last!
      // The largest `Int` is no limit to `split`.
      let values = arguments[0] == "split" ? ["99999999999", "3"] : Self.impossible
      for value in values {
        let output = Program.run(arguments.dropLast() + ["\(option)=\(value)"])
        expectMistake(output, exitCode: 64, mentions: [option])
      }
    }

    @Test("plan refuses sizes whose products are too large, and answers for a giant on a cluster")
    func plan() {
      let command = ["plan", "--config", Program.repository + "/configs/paper-7b.yaml"]
      for (setting, value) in [
        ("training.sequences_per_step", "4611686018427387904"), ("training.steps", "9223372036854775807"),
        ("model.width", "9223372036854775807"), ("data.sequence_words", "4611686018427387904"),
      ] {
        expectMistake(
          Program.run(command + ["--set", "\(setting)=\(value)"]), exitCode: 78, mentions: [setting])
      }
      let giant = Program.run(
        command + [
          "--set", "model.width=36864", "--set", "model.layers=64", "--set", "training.micro_batches=4096",
          "--set", "training.sequences_per_step=4096", "--ranks", "4096", "--nodes", "64", "--json",
        ], timeLimit: 60)
      #expect(giant.exitCode == 0, "\(giant.description)")
      #expect(giant.standardOutput.contains("\"total_parameters\""))
    }

    @Test("Weights that are not finite are not imported; with huge ones no command computes")
    func weights() throws {
      let scratch = try Scratch()
      let corpus = try scratch.corpus()
      let configuration = try scratch.configuration(["training.steps": "1"])
      let weights = scratch.file("model.safetensors")
      for command in [
        ["train", "--config", configuration, "--data", corpus, "--output", scratch.file("run")],
        ["export", "--checkpoint", scratch.file("run"), "--output", weights],
      ] {
        let output = Program.run(command)
        try #require(output.exitCode == 0, "\(output.description)")
      }
      let text = try scratch.write("the white whale", to: "text.txt")
      func importing(_ output: String, _ more: [String] = []) -> ChildProcess.Output {
        let paths = ["--weights", weights, "--config", configuration, "--output", scratch.file(output)]
        return Program.run(["import"] + paths + more)
      }
      // What the file says of its words is not overridden.
      for option in [["--split", "unicode"], ["--max-word-bytes", "32"]] {
        expectMistake(importing("other", option), exitCode: 64, mentions: [option[0], "Leave"])
      }
      #expect(importing("same", ["--split", "whitespace", "--max-word-bytes", "64"]).exitCode == 0)
      // What it does not say is not guessed.
      let whole = try Data(contentsOf: URL(fileURLWithPath: weights))
      var silent = whole
      silent.replaceSubrange(
        try #require(whole.range(of: Data("max_word".utf8))), with: Data("my_words".utf8))
      try silent.write(to: URL(fileURLWithPath: weights))
      expectMistake(importing("silent"), exitCode: 64, mentions: ["--max-word-bytes 64"])
      try whole.write(to: URL(fileURLWithPath: weights))
      // A run without a checkpoint is one.
      let begun = scratch.file("begun")
      try FileManager.default.createDirectory(atPath: begun, withIntermediateDirectories: false)
      try FileManager.default.copyItem(atPath: configuration, toPath: begun + "/config.yaml")
      expectMistake(importing("begun"), exitCode: 73, mentions: ["already holds a run"])

      try fill(weights, with: .infinity)
      expectMistake(importing("infinite"), exitCode: 65, mentions: ["not finite"])
      try fill(weights, with: 1e38)
      #expect(importing("huge").exitCode == 0)
      for command in [
        ["generate"], ["evaluate", "--data", corpus], ["evaluate", "--text", text],
        ["inspect", "words", "--near", "whale", "--data", corpus],
        ["inspect", "gradients", "--text", text, "--output", scratch.file("gradients")],
      ] {
        let output = Program.run(command + ["--checkpoint", scratch.file("huge")])
        expectMistake(output, exitCode: 65, mentions: ["not finite numbers"])
        #expect(!output.standardOutput.contains("nan"), "\(output.description)")
      }
    }

    /// Makes all floats of a safetensors file the same.
    private func fill(_ file: String, with value: Float) throws {
      let place = URL(fileURLWithPath: file)
      var bytes = try Data(contentsOf: place)
      let start = 8 + bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
      let floats = [Float](repeating: value, count: (bytes.count - start) / 4)
      bytes.replaceSubrange(start..., with: floats.withUnsafeBytes { Data($0) })
      try bytes.write(to: place)
    }
  }
}
