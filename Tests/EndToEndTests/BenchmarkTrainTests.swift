import Foundation
import Testing

extension EndToEnd {
  /// What must not get worse unnoticed, in ratios and counts that do not depend on the machine.
  @Suite("Benchmark train")
  struct BenchmarkTrainTests {
    struct Limits: Decodable {
      var configuration: String
      var settings: [String]
      var ranks: Int
      /// Of each rank.
      var threads: Int
      var leastDenseToSgemm: Double
      /// Of several ranks one: Open MPI's own, now and then.
      var mostAllocationsPerStep: Double
      var mostPeakResidentBytes: Int
    }

    struct Measurement: Decodable {
      var ranks: Int
      var threads: Int
      var bytesPerSecond: Double
      var wordsPerSecond: Double
      var denseFlopsPerSecond: Double
      var sgemmFlopsPerSecond: Double
      var denseToSgemm: Double
      var allocationsPerStep: Double?
      var peakResidentBytes: Int
      var stepSeconds: Double
      var ceiling: Ceiling
      var phases: [String: Double]
    }

    struct Ceiling: Decodable {
      var flopsPerSecond: Double
      var cacheBytesPerSecond: Double
      var memoryBytesPerSecond: Double
    }

    static let all: [Limits] = {
      let file = Program.repository + "/Tests/EndToEndTests/benchmark-train-limits.json"
      return try! decoder.decode([Limits].self, from: Data(contentsOf: URL(fileURLWithPath: file)))
    }()

    static var decoder: JSONDecoder {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      return decoder
    }

    @Test("Speed against the library, allocations and memory keep to their limits", arguments: all.indices)
    func limits(index: Int) throws {
      let limits = Self.all[index]
      let output = ChildProcess.run(
        [
          Program.path, "benchmark", "train", "--config",
          "\(Program.repository)/configs/\(limits.configuration).yaml", "--ranks", String(limits.ranks),
          "--threads", String(limits.threads), "--steps", "2", "--json",
        ] + limits.settings.flatMap { ["--set", $0] }, environment: Self.countingAllocations)
      try #require(output.exitCode == 0, "\(output.description)")
      let measured = try Self.decoder.decode(Measurement.self, from: Data(output.standardOutput.utf8))
      #expect(measured.ranks == limits.ranks && measured.threads == limits.threads)
      #expect(measured.denseToSgemm >= limits.leastDenseToSgemm)
      #expect(try #require(measured.allocationsPerStep) <= limits.mostAllocationsPerStep)
      #expect(measured.peakResidentBytes <= limits.mostPeakResidentBytes)
      let ratio = measured.denseFlopsPerSecond / measured.sgemmFlopsPerSecond
      #expect(abs(ratio - measured.denseToSgemm) < 1e-9)
      #expect(measured.ceiling.flopsPerSecond * Double(limits.ranks) >= measured.sgemmFlopsPerSecond)
      #expect(measured.ceiling.cacheBytesPerSecond > measured.ceiling.memoryBytesPerSecond)
      #expect(measured.bytesPerSecond > measured.wordsPerSecond)
      #expect(measured.phases["decoder"]! > 0)
    }

    /// An environment that preloads the counter of allocations.
    static let countingAllocations = ChildProcess.cleanEnvironment.merging([
      "LD_PRELOAD": Program.built("libhat-allocations.so")
    ]) { $1 }

    @Test("The program has the C library's allocator, and counts nothing by itself")
    func shippedProgram() throws {
      let symbols = ChildProcess.run([
        "nm", "--dynamic", "--defined-only", "--format=just-symbols", Program.path,
      ])
      try #require(symbols.exitCode == 0, "\(symbols.description)")
      let defined = Set(symbols.standardOutput.split(separator: "\n").map { $0.prefix { $0 != "@" } })
      for name in ["malloc", "calloc", "realloc", "memalign", "posix_memalign", "hat_allocation_count"] {
        #expect(!defined.contains(name[...]), "\(name)")
      }
      let output = Program.run([
        "benchmark", "train", "--config", "\(Program.repository)/configs/tiny.yaml", "--steps", "1",
        "--threads",
        "1", "--json",
      ])
      try #require(output.exitCode == 0, "\(output.description)")
      let measured = try Self.decoder.decode(Measurement.self, from: Data(output.standardOutput.utf8))
      #expect(measured.allocationsPerStep == nil)
    }

    @Test("Steps whose loss is no number do not end in a crash")
    func diverges() throws {
      let output = Program.run([
        "benchmark", "train", "--config", "\(Program.repository)/configs/quickstart.yaml", "--steps", "2",
        "--set", "training.warmup_steps=0", "--set", "training.peak_learning_rate=1e9",
      ])
      #expect([0, 65, 70, 78].contains(output.exitCode), "\(output.description)")
      #expect(!output.standardError.contains("crashed"), "\(output.description)")
    }

    @Test("A corpus that is not there ends with exit code 66 and one paragraph")
    func missingCorpus() throws {
      let output = Program.run([
        "benchmark", "train", "--config", "\(Program.repository)/configs/tiny.yaml", "--data",
        "/nowhere/corpus",
      ])
      #expect(output.exitCode == 66, "\(output.description)")
      #expect(output.standardError.hasPrefix("error: "))
    }
  }
}
