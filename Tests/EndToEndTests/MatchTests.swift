import Foundation
import Testing

extension EndToEnd {
  /// `plan --match`: the subword baseline of equal cost; and what takes its place beside it, words of fixed length.
  @Suite("Match")
  struct MatchTests {
    private struct Report: Decodable {
      struct Text: Decodable {
        var bytesPerWord: Double
        var bytesPerToken: Double
        var vocabulary: Int
      }
      struct Side: Decodable {
        var parameters: [String: Int]
        var totalParameters: Int
        var trainingFlopsPerByte: Double
      }
      var text: Text
      var hierarchical: Side
      var subword: Side
      var flopsRatio: Double
      var configuration: String
    }

    private let scratch: Scratch
    private let configuration: String

    init() throws {
      scratch = try Scratch()
      configuration = try scratch.configuration(["model.width": "64", "model.head_size": "4"])
    }

    private func decode<Value: Decodable>(_ type: Value.Type, from text: some StringProtocol) throws -> Value
    {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(type, from: Data(text.utf8))
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
      let report = try decode(Report.self, from: text)
      #expect(abs(report.flopsRatio - 1) <= 0.05 && report.text.vocabulary == 300)
      #expect(
        abs(
          report.subword.trainingFlopsPerByte / report.hierarchical.trainingFlopsPerByte
            - report.flopsRatio) < 1e-12)
      #expect(report.subword.parameters.keys.sorted() == ["backbone", "head", "token_embedding"])
      #expect(try String(contentsOfFile: file, encoding: .utf8) == report.configuration)
      #expect(try succeed(["plan", "--config", file, "--print-config"]) == report.configuration)

      let other = scratch.file("other.yaml")
      #expect(
        try succeed(plan + ["--vocabulary", "300", "--print-config", "--write", other])
          == report.configuration)
      #expect(try String(contentsOfFile: other, encoding: .utf8) == report.configuration)

      // The plan of what was written says the same, but for sequences that are not full.
      let alone = try succeed(
        [
          "plan", "--config", file, "--json", "--bytes-per-word", "\(report.text.bytesPerWord)",
          "--bytes-per-token", "\(report.text.bytesPerToken)",
        ])
      let side = try decode(Report.Side.self, from: alone)
      #expect(side.totalParameters == report.subword.totalParameters)
      #expect(abs(side.trainingFlopsPerByte / report.subword.trainingFlopsPerByte - 1) < 0.1)

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
      struct Statistics: Decodable { var bytesPerWord: Double }
      let bytesPerWord = try decode(Statistics.self, from: words).bytesPerWord
      #expect(7.5...8 ~= bytesPerWord)

      let run = RunFolder(path: scratch.file("run"))
      _ = try succeed(["train", "--config", configuration, "--data", corpus, "--output", run.path])
      let measured = try succeed(["evaluate", "--checkpoint", run.path, "--data", corpus, "--json"])
      #expect(measured.contains("\"word_accuracy\""), "\(measured)")

      // What `plan` says of such words is what the steps have cost.
      let planned = try succeed(
        ["plan", "--config", configuration, "--bytes-per-word", "\(bytesPerWord)", "--json"])
      let expected = try decode(Report.Side.self, from: planned)
      let batches = try succeed(
        ["inspect", "batches", "--config", configuration, "--data", corpus, "--steps", "12"])
      struct MicroBatch: Decodable {
        var trainingFlops: Double
        var textBytes: Int
      }
      let parts = try batches.split(separator: "\n").map {
        try decode(MicroBatch.self, from: $0)
      }
      let cost = parts.reduce(0) { $0 + $1.trainingFlops } / Double(parts.reduce(0) { $0 + $1.textBytes })
      #expect(abs(cost / expected.trainingFlopsPerByte - 1) < 0.05)
    }
  }
}
