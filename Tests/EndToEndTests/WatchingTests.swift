import Foundation
import Testing

extension EndToEnd {
  /// How a run can be followed while it trains, and looked at afterwards.
  @Suite("Watching")
  struct WatchingTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func object(_ arguments: [String]) throws -> [String: Any] {
      let output = Program.run(arguments)
      try #require(output.exitCode == 0, "\(output.description)")
      return try #require(
        try JSONSerialization.jsonObject(with: Data(output.standardOutput.utf8)) as? [String: Any])
    }

    @Test("Watched in every way, on ranks that have slices alone, a run has the bits of one that is not")
    func watched() throws {
      let corpus = try scratch.corpus()
      let settings = ["output.evaluate_every": "6", "training.zero_stage": "3"]
      let (plain, watched) = (
        RunFolder(path: scratch.file("plain")), RunFolder(path: scratch.file("watched"))
      )
      let train = ["train", "--config", try scratch.configuration(settings), "--data", corpus, "--output"]
      let alone = Program.run(train + [plain.path])
      try #require(alone.exitCode == 0, "\(alone.description)")
      let watching = [
        "output.sample_every=4", "output.sample_prompt=the white", "output.sample_bytes=30",
        "output.tensorboard=true", "output.prometheus=\(scratch.file("hat.prom"))",
      ].flatMap { ["--set", $0] }
      let output = Program.run(train + [watched.path] + watching, ranks: 2)
      try #require(output.exitCode == 0, "\(output.description)")
      #expect(output.standardError.contains("step 4: it writes \"the white"), "\(output.description)")
      #expect(try watched.results() == plain.results())
      #expect(try watched.exportedTensors() == plain.exportedTensors())

      let report = try object(["inspect", "run", watched.path, "--json"])
      #expect(report["state"] as? String == "finished")
      let samples = try #require(report["samples"] as? [[String: Any]])
      #expect(samples.map { $0["step"] as? Int } == [4, 8, 12])
      let text = try #require(samples.last?["text"] as? String)
      let generated = Program.run([
        "generate", "--checkpoint", "\(watched.path)@12", "--prompt", "the white", "--bytes", "30",
      ])
      #expect(generated.standardOutput == "the white\(text)\n", "a sample is what generate writes")
      #expect(FileManager.default.fileExists(atPath: scratch.file("hat.prom")))

      try inspect(plain, watched)
    }

    private func inspect(_ plain: RunFolder, _ watched: RunFolder) throws {
      let shown = Program.run(["inspect", "run", plain.path])
      #expect(shown.standardOutput.contains("step 12 of 12, finished"), "\(shown.description)")
      #expect(shown.standardOutput.contains("o of held-out text"), "\(shown.description)")
      #expect(shown.standardOutput.split(separator: "\n").allSatisfy { $0.count <= 200 })

      let svg = scratch.file("chart.svg")
      let comparison = try object([
        "inspect", "compare", plain.path, watched.path, "--over", "steps", "--json", "--svg", svg,
      ])
      #expect((comparison["differences"] as? [Any])?.isEmpty == true, "how a run is watched changes nothing")
      let levels = try #require(comparison["levels"] as? [[String: Any]])
      #expect(levels.map { $0["reached"] as? [Double] } == [[12, 12], [12, 12]])
      #expect(try String(contentsOfFile: svg, encoding: .utf8).hasPrefix("<svg"))
      let text = Program.run(["inspect", "compare", plain.path, watched.path])
      #expect(text.standardOutput.contains("bytes of text to the last level"), "\(text.description)")
    }

    @Test("What cannot be shown ends with the promised codes")
    func mistakes() throws {
      let run = try scratch.trainedRun()
      for (arguments, code, word) in [
        (["run", scratch.path], 66, "no config.yaml"), (["run", run, "--svg", scratch.path], 73, "folder"),
        (["run", run, "--points", "1"], 64, "--points"), (["compare", run], 64, "at least two"),
        (["compare", run, scratch.path], 66, "no run here"),
      ] as [([String], Int32, String)] {
        expectMistake(Program.run(["inspect"] + arguments), exitCode: code, mentions: [word])
      }
      let train = ["train", "--config", "\(run)/config.yaml", "--data", scratch.file("corpus"), "--output"]
      for (setting, code, word) in [
        ("output.prometheus=\(scratch.file("missing"))/hat.prom", 73, "missing"),
        ("output.prometheus=hat.txt", 78, ".prom"), ("output.sample_bytes=0", 78, "output.sample_bytes"),
      ] as [(String, Int32, String)] {
        let output = Program.run(train + [scratch.file("new"), "--set", setting])
        expectMistake(output, exitCode: code, mentions: [word])
      }
    }
  }
}
