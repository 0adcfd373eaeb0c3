import Foundation
import HATStorage
import HATText
import SystemPackage
import TestSupport
import Testing

@testable import HATCore

/// Knows the cost of some strings, whatever comes before them, and remembers what it was asked.
private final class StubScorer: TextScorer {
  private let nats: [String: Double]
  private(set) var contexts: [String] = []

  init(_ nats: [String: Double]) { self.nats = nats }

  func score(document text: [UInt8]) -> TextTally { TextTally() }

  func score(_ document: ShardDocument) -> TextTally { TextTally() }

  func score(_ target: [UInt8], after context: [UInt8]) -> TargetScore {
    contexts.append(String(decoding: context, as: UTF8.self))
    let cost = nats[String(decoding: target, as: UTF8.self)]!
    return TargetScore(nats: cost, bytes: target.count, isGreedy: cost < 1)
  }

  func scoring(of tokens: [Int], alternatives: Int) -> any TokenScoring {
    preconditionFailure("questions are of strings")
  }

  func scoring(ofBytes text: [UInt8], alternatives: Int) -> any TokenScoring {
    preconditionFailure("questions are of strings")
  }
}

@Suite struct QuestionTests {
  private let folder = TemporaryFolder()

  private func file<Kind: Question>(_: Kind.Type, _ lines: String) throws -> QuestionFile<Kind> {
    try file(Kind.self, Array(lines.utf8))
  }

  private func file<Kind: Question>(_: Kind.Type, _ bytes: [UInt8]) throws -> QuestionFile<Kind> {
    let path = folder.appending("questions.jsonl")
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return try QuestionFile(FilePath(path))
  }

  @Test func cloze() throws {
    let lines = """
      {"context": "To be, or not to ", "target": "be"}

      {"context": "", "target": "two words", "source": "ignored"}
      """
    let tallies = try file(ClozeQuestion.self, lines).ask(StubScorer(["be": 0.5, "two words": 5.5]))
    let sum = ClozeTally.sum(tallies)
    #expect((sum.targets, sum.correct, sum.words, sum.bytes) == (2, 1, 3, 11))
    let measures = sum.measures.map(\.value)
    #expect(measures[0] == 0.5)
    #expect(abs(measures[1] - exp(2)) < 1e-9 && abs(measures[2] - exp(6 / 11)) < 1e-9)
  }

  @Test(arguments: ["0", "\"b\""]) func choice(answer: String) throws {
    let line = #"{"context": "a", "choices": ["b", "long"], "answer": \#(answer)}"#
    func tally(_ nats: [String: Double]) throws -> ChoiceTally {
      try ChoiceTally.sum(file(ChoiceQuestion.self, line).ask(StubScorer(nats)))
    }
    // Likelier in all, less likely per byte.
    var scored = try tally(["b": 2, "long": 4])
    #expect((scored.questions, scored.correct, scored.correctPerByte) == (1, 1, 0))
    scored = try tally(["b": 2, "long": 12])
    #expect((scored.correct, scored.correctPerByte) == (1, 1))
    scored = try tally(["b": 3, "long": 3])
    #expect((scored.correct, scored.correctPerByte) == (0, 0), "a tie is no preference")
  }

  @Test func spellingsAreClosedByASpace() throws {
    let lines = """
      {"good": "running", "bad": "runnin"}
      {"context": "He is ", "good": "cat", "bad": "caat"}
      """
    let scorer = StubScorer(["running ": 3, "runnin ": 4, "cat ": 3, "caat ": 3])
    let sum = try SpellingTally.sum(file(SpellingQuestion.self, lines).ask(scorer))
    #expect((sum.pairs, sum.preferred) == (2, 1))
    #expect(scorer.contexts == ["", "", "He is ", "He is "])
  }

  @Test func theContextAloneIsPerturbed() throws {
    let scorer = StubScorer(["be": 1])
    let questions = try file(ClozeQuestion.self, #"{"context": "or not to ", "target": "be"}"#)
    _ = try questions.ask(scorer, perturbation: .allCaps, seed: 1)
    _ = try questions.ask(scorer)
    #expect(scorer.contexts == ["OR NOT TO ", "or not to "])
  }

  private func problem(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch {
      return (error as? UserError)?.kind == .invalidData ? "\(error)" : "another error: \(error)"
    }
  }

  @Test(arguments: [
    (#"{"context": "a"}"#, #""target" is missing"#),
    (#"{"context": "a", "target": ""}"#, #""target" is empty"#),
    (#"{"context": "a", "target": 7}"#, #""target" is of the wrong type"#),
    (#"{"context": null, "target": "b"}"#, #""context""#), ("[1, 2]", "not an object"),
    (#"{"context": "a", "target": "b"#, "not valid JSON"), ("nonsense", "not valid JSON"),
  ])
  func badCloze(line: String, mention: String) {
    let good = #"{"context": "a", "target": "b"}"#
    let text = problem { _ = try file(ClozeQuestion.self, "\(good)\n\n\(line)\n\(good)") }
    #expect(text.contains("questions.jsonl:3") && text.contains(mention), "\(text)")
  }

  @Test(arguments: [
    (#""choices": ["a"], "answer": 0"#, "fewer than two"), (#""choices": ["a", ""], "answer": 0"#, "empty"),
    (#""choices": ["a", "a"], "answer": 0"#, "same"), (#""choices": ["a", "b"], "answer": 2"#, "none of"),
    (#""choices": ["a", "b"], "answer": "c"#, "not valid JSON"),
    (#""choices": ["a", "b"], "answer": -1"#, "none of"),
    (#""choices": ["a", "b"], "answer": "c""#, "none of"),
    (#""choices": ["a", "b"], "answer": 0.5"#, "wrong type"),
    (#""choices": "ab", "answer": 0"#, "wrong type"), (#""choices": ["a", "b"]"#, "missing"),
  ])
  func badChoice(fields: String, mention: String) {
    let text = problem { _ = try file(ChoiceQuestion.self, "{\"context\": \"x\", \(fields)}") }
    #expect(text.contains("questions.jsonl:1") && text.contains(mention), "\(text)")
  }

  @Test(arguments: [#"{"good": "a"}"#, #"{"good": "a", "bad": "a"}"#, #"{"good": "", "bad": "a"}"#])
  func badSpelling(line: String) {
    #expect(problem { _ = try file(SpellingQuestion.self, line) }.contains("questions.jsonl:1"))
  }

  @Test func invalidUTF8AndEmptyFiles() {
    let bytes = Array(#"{"context": "a", "target": "b"}"#.utf8) + [0x0A, 0x7B, 0xFF]
    let text = problem { _ = try file(ClozeQuestion.self, bytes) }
    #expect(text.contains("questions.jsonl:2") && text.contains("UTF-8"), "\(text)")
    for empty in ["", "\n \n"] {
      #expect(problem { _ = try file(ClozeQuestion.self, empty) }.contains("no question"))
    }
  }

  @Test func whatDoesNotFitIsNamedByItsLine() throws {
    let witness = ModelWitness(ModelConfiguration.tinySamples[0], seed: 2)
    let scorer = HierarchicalScorer(
      witness.model, witness.weights, splitter: try WordSplitter(.whitespace),
      sequenceWords: 4, sequenceBytes: 64)
    let questions = try file(
      ClozeQuestion.self,
      """
      {"context": "", "target": "short"}
      {"context": "", "target": "one two three four five"}
      """)
    #expect(problem { _ = try questions.ask(scorer) }.contains("questions.jsonl:2"))
  }
}
