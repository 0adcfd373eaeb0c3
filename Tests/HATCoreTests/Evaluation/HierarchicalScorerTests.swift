import Foundation
import HATCore
import HATStorage
import HATText
import TestSupport
import Testing

@Suite struct HierarchicalScorerTests {
  private static let text = "The whale, the größer 語 ship\n\nsaid  so"
  private let witness = ModelWitness(ModelConfiguration.tinySamples[0], seed: 21)

  private func scorer(
    _ rule: SplittingRule = .whitespace, words: Int = 256, bytes: Int = 4096
  ) throws -> HierarchicalScorer {
    HierarchicalScorer(
      witness.model, witness.weights, splitter: try WordSplitter(rule),
      sequenceWords: words, sequenceBytes: bytes)
  }

  private var head: UnsafeMutableBufferPointer<Float> {
    let range = witness.model.table.tensors.first { $0.name == "decoder.head.weight" }!.range
    return UnsafeMutableBufferPointer(rebasing: witness.parameters.elements[range])
  }

  /// Makes every prediction uniform over the 256 symbols.
  private func makeUniform() { head.update(repeating: 0) }

  @Test func aDocumentCostsWhatTheModelsLossSays() throws {
    let splitter = try WordSplitter(.unicode)
    let batch = try Batch.text(Array(Self.text.utf8), splitter: splitter)
    let loss = witness.model.loss(batch, witness.weights)
    let tally = try scorer(.unicode).score(document: Array(Self.text.utf8))
    #expect(abs(tally.sum.nats - loss.nats) < 1e-9 * loss.nats)
    #expect(tally.sum.textBytes == Self.text.utf8.count)
    var sum = tally.sum
    sum.nats = loss.nats
    #expect(sum == loss)
  }

  /// 1e30 is finite, and what follows from two of them is not.
  @Test(arguments: [Float.nan, 1e30]) func scoresThatAreNotFiniteAreErrors(weight: Float) throws {
    witness.fill(["decoder.norm.weight", "decoder.head.weight"], with: weight)
    let (scorer, text) = (try scorer(), Array(Self.text.utf8))
    for score in [{ _ = try scorer.score(document: text) }, { _ = try scorer.score(text, after: []) }] {
      let error = #expect(throws: UserError.self) { try score() }
      #expect(error?.kind == .invalidData)
    }
    let batch = try Batch.text(text, splitter: WordSplitter(.whitespace))
    #expect(throws: UserError.self) { try witness.model.record(of: batch, witness.weights) }
  }

  @Test func aDocumentsScoreDependsOnNothingElse() throws {
    let scorer = try scorer()
    let alone = try scorer.score(document: Array(Self.text.utf8))
    let other = try scorer.score(document: Array("another one".utf8))
    #expect(try scorer.score(document: Array(Self.text.utf8)) == alone)

    var both = Batch.document([Array("another ".utf8), Array("one".utf8)])
    both.append(try Batch.text(Array(Self.text.utf8), splitter: WordSplitter(.whitespace)))
    let together = witness.model.loss(both, witness.weights)
    let tally = alone + other
    #expect(abs(tally.sum.nats - together.nats) < 1e-6 * together.nats)
  }

  @Test func aDocumentInSeveralPiecesIsCountedOnce() throws {
    for words in [1, 2, 5] {
      let tally = try scorer(words: words, bytes: 64).score(document: Array(Self.text.utf8))
      #expect((tally.sum.textBytes, tally.sum.words) == (Self.text.utf8.count, 8))
      #expect(tally.sum.targetPositions == Self.text.utf8.count + 9)
    }
  }

  @Test func aUniformModelCostsEightBitsAByteAndEightAMark() throws {
    makeUniform()
    let tally = try scorer().score(document: Array(Self.text.utf8))
    #expect(abs(tally.textBitsPerByte - 8) < 1e-6)
    #expect(abs(tally.markBitsPerByte - 8 * 9 / Double(tally.sum.textBytes)) < 1e-6)
    #expect(abs(tally.sum.bitsPerByte - tally.textBitsPerByte - tally.markBitsPerByte) < 1e-12)
    #expect(abs(tally.sum.loss - log(256)) < 1e-6)
  }

  struct Split: Sendable {
    let rule: SplittingRule
    let context: String
    let target: String
    /// Bytes of the target, and marks before and between its bytes.
    let positions: Int
  }

  /// A uniform model tells how many positions were scored.
  @Test(arguments: [
    // The word before is over, says its mark.
    Split(rule: .whitespace, context: "the cat ", target: "sat", positions: 1 + 3),
    // The space still belongs to the word before.
    Split(rule: .whitespace, context: "the cat", target: " sat", positions: 1 + 1 + 3),
    Split(rule: .whitespace, context: "the cat ", target: " sat", positions: 1 + 1 + 3),
    // In the middle of a word: what is given of it costs nothing.
    Split(rule: .whitespace, context: "the c", target: "at", positions: 2),
    Split(rule: .whitespace, context: "the c", target: "at sat", positions: 3 + 1 + 3),
    Split(rule: .whitespace, context: "", target: "cat", positions: 3),
    Split(rule: .whitespace, context: "", target: "a cat", positions: 2 + 1 + 3),
    Split(rule: .whitespace, context: "größ", target: "er", positions: 2),
    Split(rule: .unicode, context: "the cat", target: " sat", positions: 1 + 4),
    Split(rule: .unicode, context: "the cat ", target: "sat", positions: 3),
    Split(rule: .fixed(4), context: "abcd", target: "efghi", positions: 1 + 4 + 1 + 1),
    Split(rule: .fixed(4), context: "abc", target: "d", positions: 1),
  ])
  func scoredAreTheTargetsBytesAndTheMarksBeforeThem(split: Split) throws {
    makeUniform()
    let score = try scorer(split.rule).score(Array(split.target.utf8), after: Array(split.context.utf8))
    #expect(abs(score.nats / log(256) - Double(split.positions)) < 1e-5)
    #expect(score.bytes == split.target.utf8.count)
  }

  /// Generation reads and spells symbol by symbol: another way to the same probabilities.
  @Test(arguments: [SplittingRule.whitespace, .unicode, .fixed(5)])
  func targetsCostWhatGenerationWouldPay(rule: SplittingRule) throws {
    let text = Array(Self.text.utf8)
    let predictor = try predictor(rule)
    for start in [0, 1, 4, 9, 10, 11, 14, 20, text.count - 1] {
      var (offset, expected) = (0, 0.0)
      predictor.start(0)
      for symbol in predictor.symbols(of: text) {
        let isMark = symbol == Int(SpecialByte.word)
        let isScored = isMark ? start..<text.count ~= offset : offset >= start
        _ = predictor.predict()
        if isScored { expected += cost(of: symbol, predictor) }
        predictor.append([symbol], to: 0)
        if !isMark { offset += 1 }
      }
      let score = try scorer(rule).score(Array(text[start...]), after: Array(text[..<start]))
      #expect(abs(score.nats - expected) < 1e-4 * expected, "from byte \(start)")
    }
  }

  private func predictor(_ rule: SplittingRule = .whitespace) throws -> HierarchicalPredictor {
    HierarchicalPredictor(
      witness.configuration, witness.weights, splitter: try WordSplitter(rule),
      contextWords: 256)
  }

  private func cost(of symbol: Int, _ predictor: HierarchicalPredictor) -> Double {
    let logits = predictor.logits(of: 0).map(Double.init)
    return log(logits.reduce(0) { $0 + exp($1) }) - logits[symbol]
  }

  @Test func aTargetInTwoPartsCostsTheSame() throws {
    let (context, text) = ("Call me ", "Ishmael.  Some years ago")
    let scorer = try scorer()
    let whole = try scorer.score(Array(text.utf8), after: Array(context.utf8))
    for cut in 1..<text.utf8.count {
      let (first, second) = (Array(text.utf8.prefix(cut)), Array(text.utf8.dropFirst(cut)))
      let parts =
        try scorer.score(first, after: Array(context.utf8)).nats
        + scorer.score(second, after: Array(context.utf8) + first).nats
      #expect(abs(parts - whole.nats) < 1e-4 * whole.nats, "cut after \(cut) bytes")
    }
  }

  @Test func greedyIsWhatGreedyDecodingWrites() throws {
    let predictor = try predictor()
    predictor.start(0)
    predictor.append("whal".utf8.map(Int.init), to: 0)
    _ = predictor.predict()
    let logits = predictor.logits(of: 0)
    let likeliest = logits.indices.max { logits[$0] < logits[$1] }!
    exchangeHeadRows(likeliest, Int(UInt8(ascii: "e")))
    let scorer = try scorer()
    for byte in UInt8(ascii: "a")...UInt8(ascii: "z") {
      let score = try scorer.score([byte], after: Array("whal".utf8))
      #expect(score.isGreedy == (byte == UInt8(ascii: "e")))
    }
  }

  private func exchangeHeadRows(_ first: Int, _ second: Int) {
    let width = witness.configuration.byteWidth
    for column in 0..<width where first != second {
      head.swapAt(first * width + column, second * width + column)
    }
  }

  @Test func aContextTooLongLosesItsBeginning() throws {
    let middle = " and so on and on and on "
    func nats(_ beginning: String, words: Int) throws -> Double {
      try scorer(words: words, bytes: 64).score(Array("it".utf8), after: Array((beginning + middle).utf8))
        .nats
    }
    #expect(try nats("Once", words: 4) == nats("Never", words: 4))
    #expect(try nats("Once", words: 40) != nats("Never", words: 40))
  }

  @Test func aTargetTooLongIsRefused() throws {
    let scorer = try scorer(words: 4, bytes: 64)
    _ = try scorer.score(Array("a b c".utf8), after: Array("x ".utf8))
    for target in ["a b c d", String(repeating: "x", count: 70)] {
      do {
        _ = try scorer.score(Array(target.utf8), after: Array("x ".utf8))
        Issue.record("a target of \(target.count) characters was scored")
      } catch let error as UserError {
        #expect(error.kind == .invalidData)
      }
    }
  }
}
