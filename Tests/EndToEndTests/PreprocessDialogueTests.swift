import Foundation
import TestSupport
import Testing

/// Dialogues and preferences, from lines of JSON to shards, and as the commands that look at them show them.
extension EndToEnd.PreprocessTests {
  private func dialogues(_ count: Int) throws -> String {
    var generator = OracleGenerator(seed: 5)
    let lines = (0..<count).map { number in
      let answer = (0..<Int.random(in: 1...40, using: &generator)).map { "word\($0 * number % 97)" }
      let messages = [
        #"{"role": "system", "content": "Be brief."}"#,
        #"{"role": "user", "content": "question \#(number % 900)"}"#,
        #"{"role": "assistant", "content": "\#(answer.joined(separator: " "))", "weight": \#(number % 10 == 9 ? 0 : 1)}"#,
      ]
      return #"{"messages": [\#(messages.joined(separator: ", "))], "id": \#(number)}"#
    }
    return try scratch.write(lines.joined(separator: "\n") + "\n", to: "dialogues.jsonl")
  }

  private func preferences(_ count: Int) throws -> String {
    let lines = (0..<count).map { number in
      #"{"prompt": "question \#(number)", "chosen": "yes \#(number)", "rejected": "\#(number % 10 == 9 ? "yes" : "no") \#(number)"}"#
    }
    return try scratch.write(lines.joined(separator: "\n") + "\n", to: "preferences.jsonl")
  }

  private func arguments(_ kind: String, _ output: String, _ input: String) -> [String] {
    [
      "preprocess", "--documents", kind, "--output", scratch.file(output), "--shard-bytes", "16KiB",
      "--holdout",
      "0.1", "--keep", "id", "--deduplicate", input,
    ]
  }

  @Test("Dialogues: the same on any number of ranks, and after kills")
  func dialoguesOnRanks() throws {
    let input = try dialogues(2000)
    try kill(wanted: 6, ofOneProcess: 3, ends: 2) { arguments("dialogues", $0, input) }
    let expected = try Folder.contents(scratch.file("alone"))
    #expect(expected.count > 20, "there are shards enough to share")
    let output = Program.run(arguments("dialogues", "two", input), ranks: 2)
    #expect(output.exitCode == 0, "\(output.description)")
    #expect(try Folder.contents(scratch.file("two")) == expected)
    #expect(output.standardOutput.contains("documents left out because they have no answer that counts: 200"))
    #expect(output.standardOutput.contains("documents    dialogues"), "\(output.description)")
    expectMistake(
      Program.run(["preprocess", "--output", scratch.file("two"), input]), exitCode: 64,
      mentions: ["--documents was dialogues and is now text"])
  }

  @Test("Preferences: the same on any number of ranks, with their longest pair")
  func preferencesOnRanks() throws {
    let input = try preferences(2000)
    let alone = Program.run(arguments("preferences", "alone", input) + ["--json"])
    try #require(alone.exitCode == 0, "\(alone.description)")
    let report = try JSONSerialization.jsonObject(with: Data(alone.standardOutput.utf8)) as? [String: Any]
    // [user] question 1998 [turn end] [assistant] yes 1998 [turn end] [S], and no in the place of yes.
    #expect(report?["longest_pair"] as? [String: Int] == ["words": 18, "bytes": 5 + 13 + 8 + 5 + 13 + 7])
    #expect((report?["left_out"] as? [String: Int])?["without_preference"] == 200)
    let shared = Program.run(arguments("preferences", "shared", input), ranks: 2)
    #expect(shared.exitCode == 0, "\(shared.description)")
    #expect(try Folder.contents(scratch.file("shared")) == Folder.contents(scratch.file("alone")))
    #expect(shared.standardOutput.contains("because the chosen answer is the rejected one: 200"))
    #expect(shared.standardOutput.contains("longest pair  18 words"), "\(shared.description)")
  }

  @Test("Dialogues come compressed, and from standard input")
  func doors() throws {
    let input = try dialogues(300)
    let options = ["preprocess", "--documents", "dialogues", "--holdout", "0", "--output"]
    try #require(
      ChildProcess.run(["bash", "-c", "gzip -c \(input) > \(scratch.file("z.jsonl.gz"))"]).exitCode == 0)
    for (name, arguments) in [("plain", input), ("gzip", scratch.file("z.jsonl.gz"))] {
      let output = Program.run(options + [scratch.file(name), arguments])
      #expect(output.exitCode == 0, "\(output.description)")
    }
    let piped = ChildProcess.run([
      "bash", "-c",
      "\(Program.path) \(options.joined(separator: " ")) \(scratch.file("piped")) - < \(input)",
    ])
    #expect(piped.exitCode == 0, "\(piped.description)")
    func words(_ corpus: String) throws -> [String] {
      let shard = scratch.file(corpus) + "/train-000000-000000.shard"
      let output = Program.run(["inspect", "shard", shard, "--document", "7", "--json"])
      let report = try JSONSerialization.jsonObject(with: Data(output.standardOutput.utf8)) as? [String: Any]
      return try #require(report?["words"] as? [String])
    }
    #expect(try words("plain") == words("gzip") && words("plain") == words("piped"))
  }

  @Test("Mistakes have one message that says what works")
  func dialogueMistakes() throws {
    func run(_ options: [String], _ line: String, kind: String = "dialogues") throws -> ChildProcess.Output {
      let input = try scratch.write(line, to: "bad.jsonl")
      return Program.run(
        ["preprocess", "--documents", kind, "--output", scratch.file("bad")] + options + [input])
    }
    let good = #"{"messages": [{"role": "assistant", "content": "a"}]}"# + "\n"
    expectMistake(
      try run([], good + #"{"messages": [{"role": "bot", "content": "a"}]}"#), exitCode: 65,
      mentions: [
        "bad.jsonl:2: message 1 of \"messages\" has the unknown role \"bot\"",
        "system, developer, user and assistant",
      ])
    expectMistake(
      try run([], #"{"conversations": []}"#), exitCode: 65, mentions: ["bad.jsonl:1:", "ShareGPT", "Rename"])
    expectMistake(
      try run([], #"{"chosen": "a", "rejected": "b"}"#), exitCode: 65, mentions: ["--documents preferences"])
    expectMistake(
      try run([], good, kind: "preferences"), exitCode: 65, mentions: ["\"chosen\"", "--documents dialogues"])
    expectMistake(
      try run(["--field", "text"], good), exitCode: 64, mentions: ["--field", "Leave --field out"])
    expectMistake(
      try run(["--deduplicate", "near"], good), exitCode: 64, mentions: ["--deduplicate exact"])
    expectMistake(
      try run(["--document-separator", "x"], good), exitCode: 64, mentions: ["--document-separator"])
    expectMistake(
      try run(["--preset", "dclm"], good), exitCode: 64, mentions: ["--preset", "corpus of text"])
    let text = try scratch.write("text", to: "a.txt")
    expectMistake(
      Program.run(["preprocess", "--documents", "dialogues", "--output", scratch.file("bad"), text]),
      exitCode: 64,
      mentions: ["a.txt: dialogues are read from JSON Lines alone", ".jsonl"])
    expectMistake(
      Program.run(["preprocess", "--documents", "chats", "--output", scratch.file("bad"), text]),
      exitCode: 64,
      mentions: ["--documents", "dialogues"])
  }

  @Test("Dialogues are shown with their marks, and with what counts")
  func inspecting() throws {
    let line =
      #"{"messages": [{"role": "user", "content": "Who is it?"}, {"role": "assistant", "content": "It is\nme."}]}"#
    let input = try scratch.write(line, to: "one.jsonl")
    let corpus = scratch.file("one")
    let made = Program.run([
      "preprocess", "--documents", "dialogues", "--holdout", "0", "--output", corpus, input,
    ])
    try #require(made.exitCode == 0, "\(made.description)")
    let shard = corpus + "/train-000000-000000.shard"
    let shown = Program.run(["inspect", "shard", shard, "--document", "0"]).standardOutput
    #expect(
      shown.contains(
        "  [user]\n  Who |is |it?|\n  [turn end]\n  [assistant]\n> It |is\\n|\n> me.|\n> [turn end]\n"),
      "\(shown)")
    #expect(Program.run(["inspect", "shard", shard]).standardOutput.contains("dialogues  1 in 1 frame"))
    let document = try object(["inspect", "shard", shard, "--document", "0", "--json"])
    #expect(
      document["words"] as? [String] == [
        "[user]", "Who ", "is ", "it?", "[turn end]", "[assistant]", "It ", "is\n", "me.", "[turn end]",
      ])
    #expect(document["marks"] as? [Int] == [0, 4, 5, 9] && document["counted"] as? [[Int]] == [[6, 10]])
    let report = try object(["inspect", "corpus", corpus, "--json"])
    #expect(report["kind"] as? String == "dialogues")
    let statistics = try #require(report["dialogues"] as? [String: Any])
    #expect(statistics["counted_words"] as? Int == 3 && statistics["counted_bytes"] as? Int == 9)
    let table = Program.run(["inspect", "corpus", corpus]).standardOutput
    #expect(
      table.contains("[turn end]") && table.contains("What counts: 3 words of 9 bytes, 47.4% of the text."),
      "\(table)")
    let batches = try object([
      "inspect", "batches", "--config", scratch.configuration(["training.micro_batches": "1"]), "--data",
      corpus,
    ])
    // Of the first piece: what it opens with, then the document and the mark that closes it.
    let counted = try #require(batches["counted"] as? [[Int]])
    #expect(counted.first == [7, 11] && batches["pairs"] == nil)
    let offsets = try #require(batches["piece_offsets"] as? [Int])
    #expect(counted.count == offsets.count - 1)
    #expect(
      batches["words"] as? Int == 3 * counted.count && batches["text_bytes"] as? Int == 9 * counted.count)
  }

  private func object(_ arguments: [String]) throws -> [String: Any] {
    let output = Program.run(arguments)
    try #require(output.exitCode == 0, "\(output.description)")
    return try #require(
      try JSONSerialization.jsonObject(with: Data(output.standardOutput.utf8)) as? [String: Any])
  }
}
