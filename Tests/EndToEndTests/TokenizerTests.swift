import Foundation
import Testing

extension EndToEnd {
  /// A subword vocabulary, learnt from a corpus and used.
  @Suite("Tokenizer")
  struct TokenizerTests {
    @Test("Learns a vocabulary, the same each time, and writes text with it")
    func learnAndEncode() throws {
      let scratch = try Scratch()
      let corpus = try scratch.corpus()
      let (first, second) = (scratch.file("a.json"), scratch.file("b.json"))
      for file in [first, second] {
        let learn = ["tokenizer", "learn", "--data", corpus, "--vocabulary", "300", "--output", file]
        #expect(try succeed(learn).standardOutput.contains("300 tokens"))
      }
      #expect(FileManager.default.contentsEqual(atPath: first, andPath: second))

      let texts = ["the white house\n", "Grüße 世界"]
      let lines = texts.map { "{\"text_b64\": \"\(Data($0.utf8).base64EncodedString())\"}\n" }
      let input = try scratch.write(Array(lines.joined().utf8), to: "lines.jsonl")
      let encode = ["tokenizer", "encode", "--tokenizer", first]
      let output = try succeed(encode + ["--json-lines"], input: input).standardOutput
      #expect(output.split(separator: "\n").count == 2 && output.hasPrefix("{\"ids\": ["))
      #expect(
        try succeed(encode, input: scratch.write(Array("the".utf8), to: "the.txt")).standardOutput.contains(
          "\""))
    }

    @Test("What cannot be done is refused, with the reason")
    func refusals() throws {
      let scratch = try Scratch()
      let corpus = try scratch.corpus()
      let file = scratch.file("t.json")
      let learn = ["tokenizer", "learn", "--data", corpus, "--output", file, "--vocabulary"]
      let tooLarge = Program.run(learn + ["1000000"])
      #expect(tooLarge.exitCode == 78 && tooLarge.standardError.contains("at most"))
      #expect(Program.run(learn + ["3"]).exitCode == 78)
      #expect(!FileManager.default.fileExists(atPath: file))
      try Data("{}".utf8).write(to: URL(fileURLWithPath: file))
      #expect(Program.run(["tokenizer", "encode", "--tokenizer", file]).exitCode == 65)
      #expect(Program.run(["tokenizer", "encode", "--tokenizer", scratch.file("none")]).exitCode == 66)
    }

    private func succeed(_ arguments: [String], input: String? = nil) throws -> ChildProcess.Output {
      let output = Program.run(arguments, input: input)
      try #require(output.exitCode == 0, "\(output.description)")
      return output
    }
  }
}
