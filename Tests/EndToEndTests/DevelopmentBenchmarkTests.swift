import Foundation
import Testing

extension EndToEnd {
  /// `hat-benchmark`: what it prints for scripts.
  @Suite("Benchmarks of development")
  struct DevelopmentBenchmarkTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func objects(_ arguments: [String]) throws -> [[String: Any]] {
      let output = ChildProcess.run([Program.built("hat-benchmark")] + arguments + ["--json"])
      try #require(output.exitCode == 0, "\(output.description)")
      return try output.standardOutput.split(separator: "\n").map {
        try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
      }
    }

    @Test("preprocess: the keys that others rely on")
    func preprocess() throws {
      let lines = try objects(["preprocess", "--runs", "2", scratch.documents()])
      #expect(lines.map { $0["stage"] as? String } == ["preprocess", "split", "preprocess", "split"])
      #expect(lines.map { $0["rule"] as? String } == ["whitespace", "whitespace", "unicode", "unicode"])
      #expect(lines.allSatisfy { ($0["bytes_per_second_per_core"] as? Double ?? 0) > 0 })
    }

    @Test("parquet: the keys that others rely on")
    func parquet() throws {
      let line = try objects(["parquet", "--runs", "2", "\(Program.repository)/\(Self.parquetFixture)"])[0]
      #expect(line["values"] as? Int == 42)
      #expect((line["bytes_per_second"] as? Double ?? 0) > 0)
    }

    private static let parquetFixture =
      "Tests/HATTextTests/Resources/parquet/arrow-zstd-v2-dictionary.parquet"

    @Test("data: its three stages")
    func data() throws {
      let lines = try objects(["data", "--data", scratch.corpus(), "--seconds", "0.1"])
      #expect(lines.map { $0["stage"] as? String } == ["resume", "build", "skip"])
      #expect(lines.dropFirst().allSatisfy { ($0["bytes_per_second"] as? Double ?? 0) > 0 })
    }

    @Test("collectives: three ways on two ranks")
    func collectives() throws {
      let sizes = ["--smallest", "4KiB", "--largest", "64KiB", "--seconds", "0.1", "--ranks", "2"]
      let lines = try objects(["collectives"] + sizes)
      let bytes = lines.map { $0["bytes"] as? Int }
      #expect(bytes == [4096, 16384, 65536])
      for line in lines {
        #expect(line["ranks"] as? Int == 2)
        for key in ["ours", "mpi_allreduce", "mpi_reduce_scatter_allgather"] {
          #expect((line["\(key)_seconds"] as? Double ?? 0) > 0, "\(key)")
        }
      }
    }
  }
}
