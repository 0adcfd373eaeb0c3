import Foundation
import Testing

extension EndToEnd {
  /// `plan --match`: the subword baseline of equal cost; and what takes its place beside it, words of fixed length.
  @Suite("Match")
  struct MatchTests {
    private struct Report: Decodable {
      struct Text: Decodable {
        var bytes_per_word: Double
        var bytes_per_token: Double
        var vocabulary: Int
      }
      struct Side: Decodable {
        var parameters: [String: Int]
        var total_parameters: Int
        var training_flops_per_byte: Double
      }
      var text: Text
      var hierarchical: Side
      var subword: Side
      var flops_ratio: Double
      var configuration: String
    }

    private let scratch: Scratch
    private let configuration: String

    init() throws {
      scratch = try Scratch()
      configuration = try scratch.configuration(["model.width": "64", "model.head_size": "4"])
    }

    private func succeed(_ arguments: [String]) throws -> String {
      let output = Program.run(arguments)
      try #require(output.exitCode == 0, "\(output.description)")
      return output.standardOutput
    }

    @Test("Finds a baseline within 5 %, the same each time, and writes its configuration")
    func match() throws {
      let corpus = try scratch.corpus()
      let (file, tokenizer) = (scratch.file("subword.yaml"), scratch.file("tokenizer.json"))
      let plan = ["plan", "--config", configuration, "--match", "--data", corpus]
      let text = try succeed(plan + ["--vocabulary", "300", "--json", "--write", file])
      let report = try JSONDecoder().decode(Report.self, from: Data(text.utf8))
      #expect(abs(report.flops_ratio - 1) <= 0.05 && report.text.vocabulary == 300)
      #expect(
        abs(
          report.subword.training_flops_per_byte / report.hierarchical.training_flops_per_byte
            - report.flops_ratio) < 1e-12)
      #expect(report.subword.parameters.keys.sorted() == ["backbone", "head", "token_embedding"])
      #expect(try String(contentsOfFile: file, encoding: .utf8) == report.configuration)
      #expect(try succeed(["plan", "--config", file, "--print-config"]) == report.configuration)

      // The plan of what was written says the same, but for sequences that are not full.
      let alone = try succeed(
        [
          "plan", "--config", file, "--json", "--bytes-per-word", "\(report.text.bytes_per_word)",
          "--bytes-per-token", "\(report.text.bytes_per_token)",
        ])
      let side = try JSONDecoder().decode(Report.Side.self, from: Data(alone.utf8))
      #expect(side.total_parameters == report.subword.total_parameters)
      #expect(abs(side.training_flops_per_byte / report.subword.training_flops_per_byte - 1) < 0.1)

      _ = try succeed(
        ["tokenizer", "learn", "--data", corpus, "--vocabulary", "300", "--output", tokenizer])
      let table = try succeed(plan + ["--tokenizer", tokenizer])
      for word in ["hierarchical", "subword", "300 tokens given", "token_embedding"] {
        #expect(table.contains(word), "\(table)")
      }
    }

    @Test("What cannot be matched is refused, with the reason")
    func refusals() throws {
      let corpus = try scratch.corpus()
      let plan = ["plan", "--config", configuration, "--match"]
      #expect(Program.run(plan).exitCode == 64)
      #expect(Program.run(["plan", "--config", configuration, "--write", scratch.file("x")]).exitCode == 64)
      #expect(Program.run(plan + ["--data", corpus, "--bytes-per-word", "4"]).exitCode == 64)
      // One block with one head: there is nothing smaller, and a token is little more than a byte.
      let smallest = ["width=1024", "head_size=1024", "kv_heads=1", "layers=1"]
      let settings = smallest.flatMap { ["--set", "model.\($0)"] }
      let output = Program.run(plan + ["--data", corpus, "--vocabulary", "260"] + settings)
      #expect(output.exitCode == 78 && output.standardError.contains("the nearest"), "\(output.description)")
    }

    @Test("Words of eight bytes, the ablation, are planned, trained and evaluated as any others")
    func fixedPatches() throws {
      let corpus = try scratch.corpus(rule: "fixed:8")
      let words = try succeed(["inspect", "corpus", corpus, "--json"])
      struct Statistics: Decodable { var bytes_per_word: Double }
      let bytesPerWord = try JSONDecoder().decode(Statistics.self, from: Data(words.utf8)).bytes_per_word
      #expect(7.5...8 ~= bytesPerWord)

      let run = RunFolder(path: scratch.file("run"))
      _ = try succeed(["train", "--config", configuration, "--data", corpus, "--output", run.path])
      let measured = try succeed(["evaluate", "--checkpoint", run.path, "--data", corpus, "--json"])
      #expect(measured.contains("\"word_accuracy\""), "\(measured)")

      // What `plan` says of such words is what the steps have cost.
      let planned = try succeed(
        ["plan", "--config", configuration, "--bytes-per-word", "\(bytesPerWord)", "--json"])
      let expected = try JSONDecoder().decode(Report.Side.self, from: Data(planned.utf8))
      let batches = try succeed(
        ["inspect", "batches", "--config", configuration, "--data", corpus, "--steps", "12"])
      struct MicroBatch: Decodable {
        var training_flops: Double
        var text_bytes: Int
      }
      let parts = try batches.split(separator: "\n").map {
        try JSONDecoder().decode(MicroBatch.self, from: Data($0.utf8))
      }
      let cost = parts.reduce(0) { $0 + $1.training_flops } / Double(parts.reduce(0) { $0 + $1.text_bytes })
      #expect(abs(cost / expected.training_flops_per_byte - 1) < 0.05)
    }
  }
}
