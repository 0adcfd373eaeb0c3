import Foundation
import HATCore
import HATText
import TestSupport
import Testing

/// A dialogue as the hierarchical model reads and continues it.
@Suite struct DialogueTests {
  private let witness = ModelWitness(.generationSample, seed: 11)
  private let prompt = ChatTemplate.turns.prompt([
    .init(.system, "Be brief. "), .init(.user, "What is größer"), .init(.assistant, "語"), .init(.user, ""),
  ])

  private func predictor(documents: Int = 1, contextWords: Int = 256) throws -> HierarchicalPredictor {
    HierarchicalPredictor(
      witness.configuration, witness.weights, splitter: try WordSplitter(.whitespace), documents: documents,
      contextWords: contextWords, embeddings: 30)
  }

  @Test func wordsEndBeforeMarksAndMarksAreWords() throws {
    func bytes(_ text: String) -> [Int] { text.utf8.map(Int.init) }
    let (word, end) = (0xFF, 0xF8)
    let first = [0xF5] + bytes("Be ") + [word] + bytes("brief. ") + [word, end]
    let second = [0xF6] + bytes("What ") + [word] + bytes("is ") + [word] + bytes("größer") + [word, end]
    let expected = first + second + [0xF7] + bytes("語") + [word, end, 0xF6, end, 0xF7]
    #expect(try predictor().symbols(of: prompt) == expected)
    #expect(try predictor().symbols(ofTokens: prompt.map(Int.init)) == expected)
    // A turn that is not over may go on with its word.
    #expect(try predictor().symbols(of: [0xF7, 0x61]) == [0xF7, 0x61])
  }

  /// The words of a dialogue as a document of training.
  private func document(_ text: [UInt8]) throws -> Batch {
    let splitter = try WordSplitter(.whitespace)
    return .document(
      MarkedTextPart.parts(of: text).flatMap { part in
        switch part {
        case .text(let text): splitter.words(of: Array(text)).map(Array.init)
        case .mark(let mark): [[mark]]
        }
      })
  }

  @Test func predictionsAreThoseOfTraining() throws {
    let text = prompt + Array("so it ends".utf8) + [SpecialByte.turnEnd]
    let expected = witness.model.predictions(try document(text), witness.weights)
    let predictor = try predictor()
    predictor.start(0)
    var symbols = predictor.symbols(of: text) + [Int(SpecialByte.document)]
    var previous = 0
    for (row, target) in expected.targets.elements.map({ Int($0) }).enumerated() {
      defer { previous = target }
      // That a mark ends is no prediction.
      if target == Int(SpecialByte.word), SpecialByte.isDialogueMark(symbol: previous) { continue }
      #expect(target == symbols.first)
      while predictor.predict().isEmpty {}
      for (index, value) in predictor.logits(of: 0).enumerated() {
        #expect(abs(value - expected.logits.base[256 * row + index]) < 1e-4)
      }
      let symbol = symbols.removeFirst()
      if !symbols.isEmpty { predictor.append([symbol], to: 0) }
    }
    #expect(symbols.isEmpty)
  }

  /// Models whose words and turns are short: the logit of their ends is some other byte's, and more.
  private func prefersEnds() {
    let head = witness.model.table.tensors.first { $0.name == "decoder.head.weight" }!
    let width = head.shape[1]
    func copy(_ from: Int, to symbol: Int) {
      for column in 0..<width {
        witness.parameters.base[head.range.lowerBound + symbol * width + column] =
          6 * witness.parameters.base[head.range.lowerBound + from * width + column]
      }
    }
    copy(0x61, to: Int(SpecialByte.word))
    copy(0x74, to: Int(SpecialByte.turnEnd))
    // Also what no answer has.
    copy(0x65, to: Int(SpecialByte.user))
  }

  private func texts(
    _ prompts: [[UInt8]], batch: Int, contextWords: Int, cached: Bool = true
  ) throws -> [(text: [UInt8], end: TextGenerator.End)] {
    let predictor = try predictor(documents: batch, contextWords: contextWords)
    let generator = TextGenerator(cached ? predictor : RereadingPredictor(predictor))
    var texts: [(text: [UInt8], end: TextGenerator.End)] = prompts.map { _ in ([], .limit) }
    for start in stride(from: 0, to: prompts.count, by: batch) {
      let range = start..<min(start + batch, prompts.count)
      var samplers = try range.map { try Sampler(temperature: 1, topP: 1, seed: 3, document: $0) }
      generator.read(Array(prompts[range]))
      let ends = try generator.write(byteLimit: 80, samplers: &samplers) { texts[start + $0].text += $1 }
      for (index, end) in zip(range, ends) { texts[index].end = end }
    }
    return texts
  }

  @Test(arguments: [5, 256]) func turnsEndAndTextsAreAsEachIsAlone(contextWords: Int) throws {
    prefersEnds()
    let prompts = Array(repeating: prompt, count: 24)
    let alone = try texts(prompts, batch: 1, contextWords: contextWords)
    for (batch, cached) in [(24, true), (5, true), (1, false)] {
      let together = try texts(prompts, batch: batch, contextWords: contextWords, cached: cached)
      #expect(zip(alone, together).allSatisfy { $0.text == $1.text && $0.end == $1.end })
    }
    #expect(alone.count { $0.end == .turnEnd && !$0.text.isEmpty } > 3)
    #expect(Set(alone.map(\.text)).count > 12)
    #expect(alone.allSatisfy { String(validating: $0.text, as: UTF8.self) != nil })
  }

  @Test func aTextWithoutMarksHasNoTurnThatEnds() throws {
    prefersEnds()
    let prompts = (0..<24).map { _ in Array("What is ".utf8) }
    let ends = try texts(prompts, batch: 8, contextWords: 16).map(\.end)
    #expect(!ends.contains(.turnEnd))
  }

  @Test func aTurnThatMayNotEndIsAsLongAsAskedFor() throws {
    prefersEnds()
    let generator = TextGenerator(try predictor(documents: 8))
    var samplers = try (0..<8).map { try Sampler(temperature: 1, topP: 1, seed: 2, document: $0) }
    generator.read(Array(repeating: prompt, count: 8))
    let ends = try generator.write(byteLimit: 60, samplers: &samplers, mayEnd: false) { _, _ in }
    #expect(ends == Array(repeating: .limit, count: 8))
  }
}
