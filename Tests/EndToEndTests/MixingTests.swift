import Foundation
import Testing

extension EndToEnd {
  /// Several corpora in one run.
  @Suite("Mixing")
  struct MixingTests {
    let scratch: Scratch
    let large: String
    let small: String
    let configuration: String

    init() throws {
      scratch = try Scratch()
      large = try scratch.corpus("large", documents: scratch.documents(200, seed: 2))
      // A folder with a colon in its name, and with what looks like a weight.
      small = try scratch.corpus("small:0.5", documents: scratch.documents(30, seed: 3))
      configuration = try scratch.configuration(["output.evaluate_every": "4"])
    }

    func train(_ data: [String], into name: String = "run", ranks: Int? = nil) -> ChildProcess.Output {
      let arguments = ["train", "--config", configuration, "--output", scratch.file(name), "--data"] + data
      return ranks.map { Program.run(arguments, ranks: $0) } ?? Program.run(arguments)
    }

    var mixture: [String] { ["\(large):0.7", "\(small):0.3"] }

    @Test("The same on 1, 2 and 4 ranks, and when it goes on from a checkpoint")
    func anyRanks() throws {
      let alone = RunFolder(path: scratch.file("alone"))
      let output = train(mixture, into: "alone")
      try #require(output.exitCode == 0, "\(output.description)")
      for name in ["large", "small:0.5"] {
        #expect(output.standardError.contains("\(name) 0."), "\(output.description)")
      }
      let (results, weights) = (try alone.results(), try alone.exportedWeights())
      let evaluations = try String(contentsOfFile: alone.path + "/evaluations.jsonl", encoding: .utf8)
      #expect(evaluations.contains("\"corpora_bits_per_byte\":["))
      for ranks in [2, 4] {
        let run = RunFolder(path: scratch.file("ranks-\(ranks)"))
        try #require(train(mixture, into: "ranks-\(ranks)", ranks: ranks).exitCode == 0)
        try FileManager.default.removeItem(
          atPath: run.path + "/checkpoints/" + #require(run.checkpoints().last))
        let resumed = train(mixture, into: "ranks-\(ranks)", ranks: 6 - ranks)
        try #require(resumed.exitCode == 0, "\(resumed.description)")
        #expect(try run.results() == results)
        #expect(try run.exportedWeights() == weights)
        #expect(
          try String(contentsOfFile: run.path + "/evaluations.jsonl", encoding: .utf8) == evaluations)
      }
    }

    @Test("Metrics say how far each corpus is, and what the step waited for data")
    func metrics() throws {
      let output = train(mixture)
      try #require(output.exitCode == 0, "\(output.description)")
      let text = try String(contentsOfFile: scratch.file("run/metrics.jsonl"), encoding: .utf8)
      var last = [0.0, 0.0]
      for line in text.split(separator: "\n") {
        let fields = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        let epochs = try #require(fields["epochs"] as? [Double])
        #expect(epochs.count == 2 && epochs[0] >= last[0] && epochs[1] >= last[1])
        last = epochs
        let wait = try #require(fields["data_wait_seconds"] as? Double)
        #expect(try 0...#require(fields["step_seconds"] as? Double) ~= wait)
      }
      #expect(last[1] > last[0] && last[0] > 0)
    }

    @Test("Other weights, folders or another order are refused, with what differs")
    func otherMixture() throws {
      try #require(train(mixture).exitCode == 0)
      let other = try scratch.corpus("other", documents: scratch.documents(20, seed: 4))
      expectMistake(
        train(["\(large):0.6", "\(small):0.4"]), exitCode: 78, mentions: ["\(large):0.7", "\(large):0.6"])
      expectMistake(
        train(["\(large):0.7", "\(other):0.3"]), exitCode: 78, mentions: ["\(small):0.3", "\(other):0.3"])
      expectMistake(train(mixture.reversed()), exitCode: 78, mentions: ["order"])
      expectMistake(train([large]), exitCode: 78, mentions: ["\(small):0.3", "none"])
      // The same shares in other numbers are the same mixture.
      #expect(train(["\(large):7", "\(small):3"]).exitCode == 0)
    }

    @Test("What cannot be mixed")
    func refused() throws {
      expectMistake(train([large, large]), exitCode: 64, mentions: ["same data", large])
      for weight in ["0", "-1"] {
        expectMistake(train(["\(large):\(weight)"]), exitCode: 64, mentions: ["weight"])
      }
      expectMistake(train([large, "\(scratch.file("none")):nan"]), exitCode: 66, mentions: ["none:nan"])
      // The name alone is taken for a folder and its weight.
      expectMistake(train([small]), exitCode: 66, mentions: [scratch.file("small")])
      let fixed = scratch.file("fixed")
      let documents = try scratch.documents()
      let preprocessing = Program.run(["preprocess", "--output", fixed, "--split", "fixed:8", documents])
      try #require(preprocessing.exitCode == 0, "\(preprocessing.description)")
      expectMistake(train([large, fixed]), exitCode: 78, mentions: ["fixed:8", "whitespace", "--split"])
    }
  }
}
