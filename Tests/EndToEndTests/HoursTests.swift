import Foundation
import Glibc
import Testing

extension EndToEnd {
  /// `plan --hours` and `train --hours`.
  @Suite("Hours")
  struct HoursTests {
    private let scratch: Scratch
    private let corpus: String

    init() throws {
      scratch = try Scratch()
      corpus = try scratch.corpus(documents: Program.repository + "/data/shakespeare.jsonl.zst")
    }

    private struct Report: Decodable {
      var size: String
      var steps: Int
      var textBytes: Int
      var availableTextBytes: Int
      var expectedHours: Double
      var expectedBitsPerByte: Double
      var expectedInterval: [Double]
      var configuration: String
    }

    private func train(_ hours: String, _ more: [String] = []) -> [String] {
      ["train", "--hours", hours, "--data", corpus, "--output", scratch.file("run")] + more
    }

    private func configuration() throws -> String {
      try String(contentsOfFile: scratch.file("run/config.yaml"), encoding: .utf8)
    }

    @Test("A plan is a complete configuration that may be written and trained")
    func plan() throws {
      let file = scratch.file("planned.yaml")
      let plan = ["plan", "--hours", "0.02", "--ranks", "2", "--data", corpus]
      let output = Program.run(plan + ["--json", "--write", file, "--set", "data.seed=9"])
      try #require(output.exitCode == 0, "\(output.description)")
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      let report = try decoder.decode(Report.self, from: Data(output.standardOutput.utf8))
      #expect(report.steps >= 50 && report.textBytes <= report.availableTextBytes)
      #expect(report.expectedHours <= 0.02 && report.expectedBitsPerByte > 0)
      #expect(report.expectedInterval[0]...report.expectedInterval[1] ~= report.expectedBitsPerByte)
      #expect(report.configuration.contains("seed: 9") && report.configuration.contains("optimizer: muon"))
      #expect(try String(contentsOfFile: file, encoding: .utf8) == report.configuration)
      let printed = Program.run(["plan", "--config", file, "--print-config", "--ranks", "2"])
      #expect(printed.standardOutput == report.configuration)

      // A megabyte is little for ten hours.
      let table = Program.run(["plan", "--hours", "10", "--data", corpus])
      for words in [
        "expected bits per byte", "subword baseline", "too little text", "English", "memory of one rank",
      ] {
        #expect(table.standardOutput.contains(words), "\(table.description)")
      }
    }

    @Test("A run that was killed before its first checkpoint goes on with the configuration it began with")
    func killed() throws {
      let run = RunFolder(path: scratch.file("run"))
      let arguments = train("0.003", ["--set", "output.checkpoint_every=0"])
      let child = ChildProcess([Program.path] + arguments)
      #expect(eventually(within: 60) { run.stepCount >= 3 })
      if let program = child.program { kill(program, SIGKILL) }
      #expect(child.wait().exitCode != 0)
      let begun = try configuration()

      let again = Program.run(arguments)
      try #require(again.exitCode == 0, "\(again.description)")
      #expect(again.standardError.contains("goes on with its own configuration"))
      #expect(try configuration() == begun && begun.contains("steps: \(run.stepCount) "))
    }

    @Test("Ranks under a supervisor agree on a plan, and say what they expect")
    func ranks() throws {
      let output = Program.run(train("0.002", ["--ranks", "2", "--set", "output.evaluate_every=0"]))
      try #require(output.exitCode == 0, "\(output.description)")
      let plans = output.standardError.split(separator: "\n").filter { $0.hasPrefix("planned: ") }
      #expect(plans.count == 1 && plans[0].contains("expected"), "\(output.description)")
      let finished = Program.run(train("5"), ranks: 2)
      #expect(finished.exitCode == 0 && finished.standardError.contains("is already trained"))
    }

    @Test("What cannot be planned is refused, with what would do")
    func refusals() throws {
      expectMistake(
        Program.run(train("1", ["--set", "training.steps=5"])), exitCode: 78,
        mentions: ["--hours decides training.steps"])
      expectMistake(Program.run(train("0.0000001")), exitCode: 78, mentions: ["--hours 1e-07", "would do"])
      let little = try scratch.corpus("little")
      expectMistake(
        Program.run(["plan", "--hours", "1", "--data", little]), exitCode: 78,
        mentions: ["too little text", "kB would do"])
      let own = try scratch.configuration()
      for arguments in [
        train("1", ["--config", own]), train("0"), train("1", ["--initialize-from", "other"]),
        ["plan", "--hours", "1"], ["plan", "--hours", "1", "--data", corpus, "--match"], ["plan"],
      ] {
        expectMistake(Program.run(arguments), exitCode: 64, mentions: [])
      }
      #expect(!FileManager.default.fileExists(atPath: scratch.file("run")))
    }
  }
}
