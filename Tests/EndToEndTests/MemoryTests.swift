import Foundation
import Testing

extension EndToEnd {
  /// What `plan` says of memory, against what the ranks take.
  @Suite("Memory")
  struct MemoryTests {
    /// Large enough that what is counted outweighs the program itself: 26 million parameters, little text.
    private static let changes = [
      "model.byte_width": "128", "model.byte_head_size": "32", "model.width": "512", "model.head_size": "64",
      "model.layers": "8", "model.kv_heads": "8", "data.sequence_words": "24", "data.sequence_bytes": "160",
      "training.steps": "2", "training.sequences_per_step": "4", "output.checkpoint_every": "0",
    ]

    @Test("Two ranks take the memory that plan predicts, within 10 %", arguments: 0...3)
    func predicted(stage: Int) throws {
      let scratch = try Scratch()
      let corpus = try scratch.corpus()
      var changes = Self.changes
      changes["training.zero_stage"] = "\(stage)"
      let configuration = try scratch.configuration(changes)
      let predicted = try predictedBytes(configuration, stage: stage)

      let run = scratch.file("run")
      let training = ChildProcess(
        Program.mpirun(ranks: 2) + ["train", "--config", configuration, "--data", corpus, "--output", run])
      var peak = 0
      // Pages that both have are half each one's: the sum counts them once.
      _ = eventually(within: 100) {
        peak = max(
          peak, (0..<2).reduce(0) { $0 + (RankProcess.proportionalBytes(ofRank: $1, run: run) ?? 0) })
        return RunFolder(path: run).stepCount == 2 && !RankProcess.exists(run: run)
      }
      let output = training.wait()
      try #require(output.exitCode == 0, "\(output.description)")
      let ratio = Double(peak) / Double(2 * predicted)
      #expect(
        0.9...1.1 ~= ratio, "measured \(peak >> 20) MiB, predicted \(2 * predicted >> 20) MiB: \(ratio)")
    }

    private func predictedBytes(_ configuration: String, stage: Int) throws -> Int {
      let output = Program.run(["plan", "--config", configuration, "--ranks", "2", "--json"])
      try #require(output.exitCode == 0, "\(output.description)")
      let plan = try JSONSerialization.jsonObject(with: Data(output.standardOutput.utf8)) as? [String: Any]
      let stages = try #require(plan?["bytes_per_rank"] as? [[String: Any]])
      return try #require(stages.first { $0["zero_stage"] as? Int == stage }?["total"] as? Int)
    }
  }
}
