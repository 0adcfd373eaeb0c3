import Foundation
import Testing

extension EndToEnd {
  /// A model that was tuned on dialogues, from hand to hand. What it answers over HTTP is tested in Python.
  @Suite("Dialogues")
  struct DialogueTests {
    let scratch: Scratch
    /// Of a model that has learned from text alone.
    let plain: String

    init() throws {
      scratch = try Scratch()
      plain = try scratch.trainedRun()
    }

    /// The same weights as a run whose model is said to know dialogues.
    private func tuned() throws -> String {
      let (folder, run) = (scratch.file("folder"), scratch.file("tuned"))
      try succeed(["export", "--checkpoint", plain, "--format", "huggingface", "--output", folder])
      let path = folder + "/config.json"
      let config = try String(contentsOfFile: path, encoding: .utf8)
      #expect(!config.contains("turns-v1"))
      try config.replacingOccurrences(of: "\"step\" :", with: "\"template\" : \"turns-v1\", \"step\" :")
        .write(toFile: path, atomically: true, encoding: .utf8)
      try succeed(["import", "--weights", folder, "--output", run])
      return run
    }

    @discardableResult
    private func succeed(_ arguments: [String]) throws -> String {
      let output = Program.run(arguments)
      try #require(output.exitCode == 0, "\(output.description)")
      return output.standardOutput
    }

    private func answer(_ run: String, _ options: [String] = []) throws -> String {
      let question = ["--chat", "--prompt", "the größer whale", "--bytes", "60", "--temperature", "1"]
      return try succeed(["generate", "--checkpoint", run] + question + options)
    }

    @Test("generate --chat answers, with the same text for the same question alone")
    func chat() throws {
      let run = try tuned()
      let text = try answer(run)
      #expect(text.hasSuffix("\n") && !text.contains("größer whale"))
      #expect(try answer(run, ["--threads", "2"]) == text)
      #expect(try answer(run, ["--seed", "2"]) != text)
      // So small a model may not care what it is told.
      #expect(try answer(run, ["--system", "of the sea"]).hasSuffix("\n"))
      // The same weights continue a text as before.
      let continuation = ["--prompt", "the whale ", "--bytes", "50"]
      #expect(
        try succeed(["generate", "--checkpoint", run] + continuation)
          == (try succeed(["generate", "--checkpoint", plain] + continuation)))
    }

    @Test("A model that has learned from no dialogues is not asked")
    func refusals() throws {
      expectMistake(
        Program.run(["generate", "--checkpoint", plain, "--chat", "--prompt", "a"]), exitCode: 78,
        mentions: ["dialogues", "--chat", plain])
      expectMistake(
        Program.run(["generate", "--checkpoint", plain, "--system", "a"]), exitCode: 64,
        mentions: ["--system", "--chat"])
    }

    @Test("Export and import keep the template; one that is unknown is refused")
    func exports() throws {
      let (run, file, again) = (try tuned(), scratch.file("weights"), scratch.file("again"))
      let text = try answer(run)
      try succeed(["export", "--checkpoint", run, "--output", file])
      let configuration = ["--config", run + "/../configuration.yaml"]
      try FileManager.default.copyItem(atPath: plain + "/config.yaml", toPath: configuration[1])
      try succeed(["import", "--weights", file, "--output", again] + configuration)
      #expect(try answer(again) == text)
      #expect(try succeed(["inspect", "checkpoint", again, "--json"]).contains("\"template\":\"turns-v1\""))
      #expect(try succeed(["inspect", "checkpoint", again]).contains("turns-v1"))
      #expect(try !succeed(["inspect", "checkpoint", plain, "--json"]).contains("template\":"))

      let folder = scratch.file("exported")
      try succeed(["export", "--checkpoint", run, "--format", "huggingface", "--output", folder])
      let path = folder + "/config.json"
      let config = try String(contentsOfFile: path, encoding: .utf8)
      try config.replacingOccurrences(of: "turns-v1", with: "turns-v9")
        .write(toFile: path, atomically: true, encoding: .utf8)
      expectMistake(
        Program.run(["import", "--weights", folder, "--output", scratch.file("unknown")]), exitCode: 78,
        mentions: ["turns-v9", "turns-v1", "config.json"])
    }

    @Test("A run that begins with a tuned model has its template, and its samples are answers")
    func training() throws {
      let (run, again) = (try tuned(), scratch.file("trained"))
      let configuration = try scratch.configuration([
        "output.sample_every": "12", "output.sample_prompt": "the whale", "output.sample_bytes": "40",
      ])
      try succeed([
        "train", "--config", configuration, "--data", try scratch.corpus("more"), "--output", again,
        "--initialize-from", run,
      ])
      let question = ["--chat", "--prompt", "the whale", "--bytes", "40"]
      let text = try succeed(["generate", "--checkpoint", again] + question)
      let line = try String(contentsOfFile: again + "/samples.jsonl", encoding: .utf8)
      let sample = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      #expect(sample["text"] as? String == String(text.dropLast()))
    }
  }
}
