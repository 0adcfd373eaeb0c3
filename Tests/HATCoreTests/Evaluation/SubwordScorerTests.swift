import Foundation
import HATKernels
import HATStorage
import TestSupport
import Testing

@testable import HATCore
@testable import HATText

@Suite("Subword scorer")
struct SubwordScorerTests {
  private static let text = "The whale, the größer 語 whale\n\nsaid  the whale"

  private let model: SubwordTransformer
  private let parameters: FloatBuffer
  private var weights: ModelWeights { ModelWeights(model.table, in: parameters) }
  private let vocabulary: SubwordVocabulary

  /// th, the, "the ", wh, al, ale, whale, whales.
  private static let vocabulary: SubwordVocabulary = {
    var vocabulary = SubwordVocabulary()
    func join(_ left: Int32, _ right: Int32) -> Int32 { vocabulary.add(TokenPair(left: left, right: right)) }
    func letter(_ text: Character) -> Int32 { Int32(text.asciiValue!) }
    let the = join(join(letter("t"), letter("h")), letter("e"))
    _ = join(the, letter(" "))
    let wh = join(letter("w"), letter("h"))
    _ = join(join(wh, join(join(letter("a"), letter("l")), letter("e"))), letter("s"))
    return vocabulary
  }()

  init() {
    vocabulary = Self.vocabulary
    var configuration = ModelConfiguration.tinySamples[0]
    (configuration.kind, configuration.vocabulary) = (.subword, 265)
    model = SubwordTransformer(
      configuration, Execution(capacity: BatchCapacity(positions: 512, piecePositions: 512, wordBytes: 64)))
    parameters = FloatBuffer(zeroed: model.table.count)
    let values = OracleSubwordModel(shape: OracleShape(configuration), vocabulary: 265, seed: 5).parameters
    for tensor in model.table.tensors {
      for (index, value) in zip(tensor.range, values.tensors[tensor.name]!.values) {
        parameters.base[index] = Float(value)
      }
    }
  }

  private func scorer(words: Int = 256) throws -> SubwordScorer {
    SubwordScorer(
      model, weights, vocabulary, splitter: try WordSplitter(.whitespace),
      sequenceWords: words, sequenceBytes: 512)
  }

  @Test("Scores that are not finite are errors", arguments: [Float.nan, 1e30])
  func notFinite(weight: Float) throws {
    for tensor in model.table.tensors where ["backbone.norm.weight", "head.weight"].contains(tensor.name) {
      parameters.elements[tensor.range].update(repeating: weight)
    }
    let error = #expect(throws: UserError.self) {
      try scorer().score(document: Array(Self.text.utf8))
    }
    #expect(error?.kind == .invalidData)
    #expect(throws: UserError.self) { try score("whale", after: "the ") }
  }

  private func score(_ target: String, after context: String) throws -> TargetScore {
    try scorer().score(Array(target.utf8), after: Array(context.utf8))
  }

  @Test("A document costs what the model's loss says, on its own")
  func document() throws {
    let scorer = try scorer()
    let tally = try scorer.score(document: Array(Self.text.utf8))
    let batch = try Batch.text(Array(Self.text.utf8), splitter: WordSplitter(.whitespace))
    let sum = model.loss(TokenBatcher(vocabulary).tokens(of: batch), weights)
    #expect(tally.sum == sum)
    #expect(tally.sum.textBytes == Self.text.utf8.count && tally.sum.byteAccuracy.isNaN)
    _ = try scorer.score(document: Array("another".utf8))
    #expect(try scorer.score(document: Array(Self.text.utf8)) == tally)
  }

  @Test("A document in several pieces is counted once", arguments: [1, 2, 5])
  func pieces(words: Int) throws {
    let tally = try scorer(words: words).score(document: Array(Self.text.utf8))
    #expect((tally.sum.textBytes, tally.sum.words) == (Self.text.utf8.count, 9))
    let tokens = SubwordEncoder(vocabulary).encode(Array(Self.text.utf8)).count
    #expect(tally.sum.targetPositions == tokens + 1)
  }

  @Test("A uniform model pays for each token the logarithm of the vocabulary")
  func uniform() throws {
    let head = model.table.tensors.first { $0.name == "head.weight" }!.range
    (parameters.base + head.lowerBound).update(repeating: 0, count: head.count)
    let tally = try scorer().score(document: Array(Self.text.utf8))
    #expect(abs(tally.sum.loss - log(265)) < 1e-6)
    #expect(abs(tally.markNats - log(265)) < 1e-6)
    // Of a string's only byte, "x": that the text goes on with it. One token begins so.
    let score = try score("x", after: "")
    #expect(abs(score.nats - log(265)) < 1e-5)
    // Behind "t" tokens that begin with it are what is possible.
    let beginning = { (text: String) in
      Double((0..<Int32(265)).count { vocabulary.bytes(of: $0).starts(with: Array(text.utf8)) })
    }
    #expect(beginning("th") > 1 && beginning("t") > beginning("the"))
    #expect(abs(try self.score("h", after: "t").nats - log(beginning("t") / beginning("th"))) < 1e-5)
  }

  @Test(
    "A string costs the same whole and in two parts",
    arguments: [("the ", "whale"), ("said ", "the whale"), ("wh", "ale"), ("the", " whale")])
  func parts(first: String, second: String) throws {
    let context = "The whale "
    let whole = try score(first + second, after: context)
    let apart = [try score(first, after: context), try score(second, after: context + first)]
    #expect(abs(whole.nats - apart[0].nats - apart[1].nats) < 1e-4 * whole.nats)
    #expect(whole.bytes == (first + second).utf8.count)
  }

  @Test("Of all bytes that may follow at most one is greedy")
  func greedy() throws {
    let scorer = try scorer()
    for context in ["the ", "The whale "] {
      let greedy = try (UInt8(0)..<0x80).filter {
        try scorer.score([$0], after: Array(context.utf8)).isGreedy
      }
      #expect(greedy.count <= 1)
    }
  }

  @Test("A string too long for a sequence is refused")
  func tooLong() throws {
    #expect(throws: UserError.self) {
      try scorer(words: 2).score(Array("a b c d".utf8), after: [])
    }
  }
}
