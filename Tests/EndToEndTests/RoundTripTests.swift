import Foundation
import Testing

extension EndToEnd {
  /// Text in, model out, and every command on the way.
  @Suite("Round trip")
  struct RoundTripTests {
    @Test(
      "preprocess, inspect, train, evaluate, generate, export, import, inspect again",
      arguments: zip(["whitespace", "unicode"], ["whitespace-v1", "unicode-16.0-v1"]))
    func everyCommand(rule: String, versionedRule: String) throws {
      let scratch = try Scratch()
      let corpus = try scratch.corpus(rule: rule)
      let configuration = try scratch.configuration([
        "training.steps": "200", "output.checkpoint_every": "100",
      ])
      let run = RunFolder(path: scratch.file("run"))

      let summary = try object(["inspect", "corpus", corpus, "--json"])
      #expect(summary.description.contains(rule))
      try succeed([
        "train", "--config", configuration, "--data", corpus, "--output", run.path, "--ranks", "2",
      ])
      #expect(try run.results().count == 200)
      let checkpoint = try object(["inspect", "checkpoint", run.path, "--json"])
      #expect(checkpoint["step"] as? Int == 200)
      #expect(checkpoint["splitting_rule"] as? String == versionedRule)

      let evaluation = try object(["evaluate", "--checkpoint", run.path, "--data", corpus, "--json"])
      let bits = try #require(evaluation["bits_per_byte"] as? Double)
      #expect(bits > 0.5 && bits < 4, "learned something: \(bits) bits per byte")

      let generate = ["--prompt", "the white ", "--bytes", "200", "--temperature", "1", "--seed", "7"]
      let text = try succeed(["generate", "--checkpoint", run.path] + generate).standardOutput
      #expect(!text.isEmpty && !text.contains("\u{FFFD}"))
      #expect(try succeed(["generate", "--checkpoint", run.path] + generate).standardOutput == text)

      let weights = scratch.file("model.safetensors")
      try succeed(["export", "--checkpoint", run.path, "--output", weights])
      let imported = RunFolder(path: scratch.file("imported"))
      try succeed(["import", "--weights", weights, "--config", configuration, "--output", imported.path])
      let importedCheckpoint = try object(["inspect", "checkpoint", imported.path, "--json"])
      #expect(importedCheckpoint["splitting_rule"] as? String == versionedRule)
      #expect(try succeed(["generate", "--checkpoint", imported.path] + generate).standardOutput == text)
      let again = try object(["evaluate", "--checkpoint", imported.path, "--data", corpus, "--json"])
      #expect(again["bits_per_byte"] as? Double == bits)
    }

    @Test("inspect batches prints what a run trains on")
    func batches() throws {
      let scratch = try Scratch()
      let (corpus, configuration) = (try scratch.corpus(), try scratch.configuration())
      let run = RunFolder(path: scratch.file("run"))
      try succeed(["train", "--config", configuration, "--data", corpus, "--output", run.path])
      let trained = try String(contentsOfFile: run.path + "/metrics.jsonl", encoding: .utf8)
        .split(separator: "\n").map { try decode($0) }
      let lines = try succeed([
        "inspect", "batches", "--config", configuration, "--data", corpus, "--steps", "12",
      ]).standardOutput.split(separator: "\n").map { try decode($0) }
      #expect(lines.count == 12 * 4)
      for step in 1...12 {
        let batches = lines.filter { $0["step"] as? Int == step }
        let bytes = batches.compactMap { $0["text_bytes"] as? Int }.reduce(0, +)
        #expect(bytes == trained[step - 1]["target_bytes"] as? Int)
        for batch in batches {
          let text = try #require(Data(base64Encoded: batch["bytes_b64"] as? String ?? ""))
          let words = try #require(batch["word_offsets"] as? [Int])
          let pieces = try #require(batch["piece_offsets"] as? [Int])
          #expect(words.last == text.count && pieces.last == words.count - 1)
        }
      }
    }

    private func decode(_ line: Substring) throws -> [String: Any] {
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    @Test("A second preprocess of the same input changes nothing; of another one is refused")
    func preprocessTwice() throws {
      let scratch = try Scratch()
      let documents = try scratch.documents()
      let corpus = try scratch.corpus(documents: documents)
      let before = try contents(of: corpus)
      try succeed(["preprocess", "--output", corpus, "--holdout", "0.1", documents])
      #expect(try contents(of: corpus) == before)
      let other = Program.run([
        "preprocess", "--output", corpus, "--holdout", "0.1", "--split", "fixed:8", documents,
      ])
      #expect(other.exitCode != 0)
      #expect(try contents(of: corpus) == before)
    }

    @Test("Weights of another configuration are refused, with what differs")
    func otherConfiguration() throws {
      let scratch = try Scratch()
      let corpus = try scratch.corpus()
      let configuration = try scratch.configuration(["training.steps": "1"])
      let run = RunFolder(path: scratch.file("run"))
      try succeed(["train", "--config", configuration, "--data", corpus, "--output", run.path])
      let weights = scratch.file("model.safetensors")
      try succeed(["export", "--checkpoint", run.path, "--output", weights])
      func importing(_ changes: [String: String]) throws -> ChildProcess.Output {
        let other = try scratch.configuration(changes)
        return Program.run(
          ["import", "--weights", weights, "--config", other, "--output", scratch.file("imported")])
      }
      let output = try importing(["model.width": "40"])
      #expect([65, 78].contains(output.exitCode), "\(output.description)")
      // Else a long word would be a fault when it is scored.
      try expectMistake(
        importing(["data.sequence_bytes": "32"]), exitCode: 78, mentions: ["sequence_bytes to at least 64"])
      #expect(!FileManager.default.fileExists(atPath: scratch.file("imported/checkpoints")))
    }

    @Test("The words of split, joined, are its input", arguments: ["whitespace", "unicode", "fixed:8"])
    func split(rule: String) throws {
      let scratch = try Scratch()
      let texts = ["Hello,  world \n", "größer 語語 🙂", " leading", "", "a\u{00A0}b\u{2003}c"]
      let lines = texts.map { "{\"text_b64\": \"\(Data($0.utf8).base64EncodedString())\"}" }
      let input = try scratch.write(lines.joined(separator: "\n") + "\n", to: "texts.jsonl")
      let output = Program.run(["split", "--split", rule, "--json-lines"], input: input)
      #expect(output.exitCode == 0, "\(output.description)")
      let joined = try output.standardOutput.split(separator: "\n").map { line in
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        let words = try #require(object["words_b64"] as? [String])
        return String(decoding: words.flatMap { [UInt8](Data(base64Encoded: $0)!) }, as: UTF8.self)
      }
      #expect(joined == texts)
    }

    @discardableResult
    private func succeed(
      _ arguments: [String], location: SourceLocation = #_sourceLocation
    ) throws -> ChildProcess.Output {
      let output = Program.run(arguments)
      try #require(
        output.exitCode == 0, "\(arguments[0]): \(output.description)", sourceLocation: location)
      return output
    }

    /// The JSON object a command prints, or the last of several.
    private func object(
      _ arguments: [String], location: SourceLocation = #_sourceLocation
    ) throws -> [String: Any] {
      let output = try succeed(arguments, location: location)
      let line = try #require(output.standardOutput.split(separator: "\n").last, sourceLocation: location)
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
      return try #require(object as? [String: Any], "\(output.description)", sourceLocation: location)
    }

    private func contents(of folder: String) throws -> [String: Data] {
      var contents: [String: Data] = [:]
      for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
        contents[name] = FileManager.default.contents(atPath: folder + "/" + name)
      }
      return contents
    }
  }
}
