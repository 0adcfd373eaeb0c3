import Foundation
import Testing

extension EndToEnd {
  /// What a trained model writes, and how its speed is told.
  @Suite("Benchmark generate")
  struct BenchmarkGenerateTests {
    struct Phase: Decodable {
      var bytes: Int
      var bytesPerSecond: Double
      var flopsPerByte: Double
      var embeddingHitRate: Double?
    }

    struct Document: Decodable {
      var promptB64: Data
      var textB64: Data
    }

    struct Measurement: Decodable {
      var checkpoint: String
      var batch: Int
      var threads: Int
      var documents: Int
      var prompt: Phase
      var decode: Phase
      var peakResidentBytes: Int
      var uncachedBytesPerSecond: Double
      var uncachedWritesTheSame: Bool
      var textChecksum: String
      var texts: [Document]?
    }

    struct Ratio: Decodable {
      var batch: Int
      var decodeBytesPerSecond: Double
      var decodeFlopsPerByte: Double
    }

    struct Report: Decodable {
      var measurements: [Measurement]
      var ratios: [Ratio]
      var batchesWriteTheSame: Bool
    }

    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// - Parameter isSubword: whether it is the baseline, a backbone over tokens.
    private func trainedRun(_ name: String, isSubword: Bool = false) throws -> String {
      let corpus = scratch.file("corpus")
      if !FileManager.default.fileExists(atPath: corpus) { _ = try scratch.corpus() }
      let configuration = isSubword ? try subwordConfiguration() : try scratch.configuration()
      let training = Program.run(
        ["train", "--config", configuration, "--data", corpus, "--output", scratch.file(name)])
      try #require(training.exitCode == 0, "\(training.description)")
      return scratch.file(name)
    }

    private func subwordConfiguration() throws -> String {
      try scratch.write(
        """
        model: { kind: subword, vocabulary: 280, width: 32, head_size: 8, layers: 2, kv_heads: 2 }
        data: { sequence_words: 24, sequence_bytes: 160, seed: 3 }
        training: { steps: 12, sequences_per_step: 8, micro_batches: 4, warmup_steps: 3 }
        output: { checkpoint_every: 12, evaluate_every: 0 }
        """, to: "subword.yaml")
    }

    private let task = ["--prompt-bytes", "40", "--bytes", "60", "--documents", "5"]

    private func report(_ arguments: [String]) throws -> Report {
      let output = Program.run(["benchmark", "generate", "--json"] + arguments)
      try #require(output.exitCode == 0, "\(output.description)")
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return try decoder.decode(Report.self, from: Data(output.standardOutput.utf8))
    }

    @Test("Every batch size and no cache write the same; a baseline is measured beside it")
    func everythingAgrees() throws {
      let (run, other) = (try trainedRun("run"), try trainedRun("other", isSubword: true))
      let report = try report(
        ["--checkpoint", run, "--baseline", other, "--batch", "1", "3", "--threads", "1"] + task)
      #expect(report.measurements.map(\.checkpoint) == [run, other, run, other])
      #expect(report.measurements.map(\.batch) == [1, 1, 3, 3])
      #expect(report.batchesWriteTheSame)
      for measured in report.measurements {
        #expect(measured.uncachedWritesTheSame && measured.uncachedBytesPerSecond > 0)
        #expect((measured.documents, measured.threads) == (5, 1))
        #expect(measured.decode.bytes == 5 * 60)
        #expect((5 * 35...5 * 40).contains(measured.prompt.bytes))
        #expect(measured.prompt.bytesPerSecond > 0 && measured.decode.bytesPerSecond > 0)
        #expect(measured.peakResidentBytes > 1 << 20)
      }
      // The prompts are of twelve words; what so young a model writes is of its own.
      for (own, others) in [(0, 1), (2, 3)].map({ (report.measurements[$0], report.measurements[$1]) }) {
        #expect((0.3..<1).contains(own.prompt.embeddingHitRate!))
        #expect((0..<1).contains(own.decode.embeddingHitRate!))
        #expect(others.prompt.embeddingHitRate == nil && others.decode.embeddingHitRate == nil)
      }
      let (one, three) = (report.measurements[0], report.measurements[2])
      #expect(one.textChecksum == three.textChecksum)
      // The same work, whoever does it at once: but a word that two documents meet together is encoded once.
      #expect(abs(one.decode.flopsPerByte / three.decode.flopsPerByte - 1) < 0.2)
      #expect(report.ratios.map(\.batch) == [1, 3])
      #expect(report.ratios.allSatisfy { $0.decodeFlopsPerByte > 0 && $0.decodeBytesPerSecond > 0 })
    }

    @Test("The texts are those that were measured, and the likeliest those of generate")
    func texts() throws {
      let run = try trainedRun("run")
      let greedy = ["--checkpoint", run, "--batch", "2", "3", "--texts", "--temperature", "0"] + task
      let measurements = try report(greedy).measurements
      for measured in measurements {
        let texts = try #require(measured.texts)
        #expect(texts.count == 5)
        #expect(texts.reduce(0) { $0 + $1.promptB64.count } == measured.prompt.bytes)
        #expect(texts.reduce(0) { $0 + $1.textB64.count } == measured.decode.bytes)
        #expect(texts.map(\.textB64) == measurements[0].texts?.map(\.textB64))
      }
      let first = try #require(measurements[0].texts?.first)
      let prompt = String(decoding: first.promptB64, as: UTF8.self)
      let written = Program.run(
        ["generate", "--checkpoint", run, "--prompt", prompt, "--bytes", "60", "--temperature", "0"]
      ).standardOutput.dropLast()
      // generate ends where the model closes the document; the benchmark goes on.
      #expect((prompt + String(decoding: first.textB64, as: UTF8.self)).hasPrefix(written))
      #expect(try report(["--checkpoint", run, "--batch", "2"] + task).measurements[0].texts == nil)
      let shown = Program.run(["benchmark", "generate", "--checkpoint", run, "--texts"])
      #expect(shown.exitCode == 64 && shown.standardError.contains("--json"), "\(shown.description)")
    }

    @Test("generate and the benchmark's table, for people", arguments: [false, true])
    func forPeople(isSubword: Bool) throws {
      let run = try trainedRun("run", isSubword: isSubword)
      let shown = Program.run(["benchmark", "generate", "--checkpoint", run, "--batch", "2"] + task)
      #expect(shown.exitCode == 0 && shown.standardOutput.contains("the same text"), "\(shown.description)")
      let generate = ["generate", "--checkpoint", run, "--prompt", "the größer ", "--bytes", "50"]
      let texts = ["1", "2"].map { Program.run(generate + ["--threads", $0]).standardOutput }
      #expect(texts[0] == texts[1] && texts[0].hasPrefix("the größer "))
    }

    @Test("What cannot be drawn from is wrong usage", arguments: ["--temperature", "--top-p"])
    func wrongDraws(option: String) throws {
      let run = try trainedRun("run")
      let output = Program.run(
        ["benchmark", "generate", "--checkpoint", run, "--batch", "1", "2", "\(option)=-1"])
      #expect(output.exitCode == 64, "\(output.description)")
    }

    @Test("Held-out text that does not suffice ends with exit code 65 and one paragraph")
    func tooLittleText() throws {
      let run = try trainedRun("run")
      let output = Program.run(
        ["benchmark", "generate", "--checkpoint", run, "--batch", "1", "--documents", "100000"])
      #expect(output.exitCode == 65, "\(output.description)")
      #expect(output.standardError.hasPrefix("error: ") && output.standardError.contains("--documents"))
    }
  }
}
