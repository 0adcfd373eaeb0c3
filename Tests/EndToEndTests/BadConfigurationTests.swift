import Testing

extension EndToEnd {
  /// Configurations and command lines that cannot be.
  @Suite("Bad configuration")
  struct BadConfigurationTests {
    let scratch: Scratch
    let corpus: String

    init() throws {
      scratch = try Scratch()
      corpus = try scratch.corpus()
    }

    func train(_ configuration: String, _ more: [String] = []) -> [String] {
      ["train", "--config", configuration, "--data", corpus, "--output", scratch.file("run")] + more
    }

    @Test("An unknown key, with the nearest one")
    func unknownKey() throws {
      let configuration = try scratch.configuration(["model.kv_head": "2"])
      expectMistake(
        Program.run(train(configuration)), exitCode: 78, mentions: ["kv_head", "kv_heads", configuration])
    }

    @Test("An unknown key by --set")
    func unknownOverride() throws {
      let arguments = train(try scratch.configuration(), ["--set", "training.step=5"])
      expectMistake(Program.run(arguments), exitCode: 78, mentions: ["training.step", "training.steps"])
    }

    @Test("Heads that do not divide")
    func heads() throws {
      let configuration = try scratch.configuration(["model.head_size": "12"])
      expectMistake(Program.run(train(configuration)), exitCode: 78, mentions: ["head_size", "width"])
      let groups = try scratch.configuration(["model.kv_heads": "3"])
      expectMistake(Program.run(train(groups)), exitCode: 78, mentions: ["kv_heads"])
    }

    @Test("Micro-batches that do not divide by the ranks: one message, and what would work")
    func microBatches() throws {
      let configuration = try scratch.configuration()
      for output in [
        Program.run(train(configuration, ["--ranks", "3"])), Program.run(train(configuration), ranks: 3),
      ] {
        expectOneMessage(output, exitCode: 78, mentions: "micro_batches")
        #expect(output.seconds < 20)
      }
    }

    @Test("More threads than there are cores: one message that names the option")
    func threads() throws {
      let arguments = train(try scratch.configuration(), ["--threads", "4000"])
      for more in [[], ["--ranks", "2"]] {
        expectOneMessage(Program.run(arguments + more), exitCode: 64, mentions: "error: --threads 4000: ")
      }
    }

    @Test("Sequences that do not divide by the micro-batches")
    func sequences() throws {
      let configuration = try scratch.configuration(["training.sequences_per_step": "6"])
      expectMistake(
        Program.run(train(configuration)), exitCode: 78, mentions: ["sequences_per_step", "micro_batches"])
    }

    @Test("A sequence shorter than the longest word")
    func shortSequences() throws {
      let configuration = try scratch.configuration(["data.sequence_bytes": "32"])
      expectMistake(Program.run(train(configuration)), exitCode: 78, mentions: ["sequence_bytes"])
    }

    @Test("No configuration, no corpus, no checkpoint")
    func missing() throws {
      let configuration = try scratch.configuration()
      expectMistake(Program.run(train(scratch.file("no.yaml"))), exitCode: 66, mentions: ["no.yaml"])
      let elsewhere = [
        "train", "--config", configuration, "--data", scratch.file("none"), "--output", scratch.file("run"),
      ]
      expectMistake(Program.run(elsewhere), exitCode: 66, mentions: ["none"])
      for command in [
        ["evaluate", "--data", corpus], ["generate"], ["export", "--output", scratch.file("x")],
      ] {
        let arguments = [command[0], "--checkpoint", scratch.file("no-run")] + command.dropFirst()
        expectMistake(Program.run(arguments), exitCode: 66, mentions: ["no-run"])
      }
    }

    @Test(
      "Wrong usage",
      arguments: [["train"], ["frobnicate"], ["generate", "--checkpoint"], ["plan", "--rank"]])
    func usage(arguments: [String]) {
      expectMistake(Program.run(arguments), exitCode: 64, mentions: [])
    }

    @Test(
      "A run.json that is cut short, or is none: one message with a hint", arguments: ["{\"code_vers", "{}"])
    func damagedDescription(content: String) throws {
      let configuration = try scratch.configuration()
      try #require(Program.run(train(configuration)).exitCode == 0)
      _ = try scratch.write(content, to: "run/run.json")
      expectMistake(
        Program.run(train(configuration)), exitCode: 65, mentions: ["run.json", "Remove the file"])
      expectOneMessage(Program.run(train(configuration), ranks: 2), exitCode: 65, mentions: "run.json")
    }

    @Test("Two runs in one folder: the second is refused, the first untouched")
    func otherRun() throws {
      let first = try scratch.configuration()
      try #require(Program.run(train(first)).exitCode == 0)
      let run = RunFolder(path: scratch.file("run"))
      let weights = try run.exportedWeights()
      let second = try scratch.configuration(["model.layers": "3"])
      expectMistake(Program.run(train(second)), exitCode: 78, mentions: ["layers"])
      expectOneMessage(Program.run(train(second, ["--ranks", "2"])), exitCode: 78, mentions: "layers")
      #expect(Program.run(train(first, ["--resume", "never"])).exitCode != 0)
      #expect(try run.exportedWeights() == weights)
    }
  }
}
