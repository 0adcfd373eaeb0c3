import Foundation
import Testing

extension EndToEnd {
  /// What the commands that look at text and shards promise to scripts and to people.
  @Suite("Inspecting")
  struct InspectTests {
    let scratch: Scratch
    let corpus: String

    init() throws {
      scratch = try Scratch()
      corpus = try scratch.corpus()
    }

    /// The JSON objects a command prints, one a line.
    func objects(_ arguments: [String]) throws -> [[String: Any]] {
      let output = Program.run(arguments)
      try #require(output.exitCode == 0, "\(output.description)")
      return try output.standardOutput.split(separator: "\n").map {
        try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
      }
    }

    @Test("inspect corpus: numbers that fit together, and a picture")
    func inspectCorpus() throws {
      let report = try #require(objects(["inspect", "corpus", "--json", corpus]).first)
      let (bytes, words) = (try #require(report["bytes"] as? Int), try #require(report["words"] as? Int))
      #expect(report["documents"] as? Int == 60)
      let perWord = try #require(report["bytes_per_word"] as? Double)
      #expect(abs(perWord - Double(bytes) / Double(words)) < 1e-9)
      let lengths = try #require(report["word_lengths"] as? [Int])
      #expect(lengths.reduce(0, +) == words)
      #expect(lengths.enumerated().reduce(0) { $0 + $1.offset * $1.element } == bytes)
      let frequent = try #require((report["frequent_words"] as? [[String: Any]])?.first)
      #expect(frequent["word"] is String && frequent["count"] is Int)
      let metadata = try #require(report["metadata"] as? [String: [[String: Any]]])
      #expect(metadata["source"]?.first?["value"] as? String == "made up")
      #expect(metadata["source"]?.first?["documents"] as? Int == 60)

      let shown = Program.run(["inspect", "corpus", corpus])
      #expect(shown.exitCode == 0 && shown.standardOutput.contains("█"), "\(shown.description)")
      #expect(shown.standardOutput.contains("made up"))
    }

    @Test("inspect shard --document: the text in its words")
    func inspectDocument() throws {
      let names = try FileManager.default.contentsOfDirectory(atPath: corpus)
      let shard = corpus + "/" + (try #require(names.first { $0.hasPrefix("train-") }))
      let report = try #require(objects(["inspect", "shard", shard, "--document", "0", "--json"]).first)
      let words = try #require(report["words"] as? [String])
      #expect(words.joined().utf8.count == report["bytes"] as? Int)
      #expect(words.count > 5 && words.dropLast().allSatisfy { $0.hasSuffix(" ") })
      let shown = Program.run(["inspect", "shard", shard, "--document", "0"])
      #expect(shown.standardOutput.contains(words[0] + "|" + words[1] + "|"), "\(shown.description)")
      let missing = Program.run(["inspect", "shard", shard, "--document", "1000"])
      expectMistake(missing, exitCode: 64, mentions: ["no document 1000"])
    }
  }
}
