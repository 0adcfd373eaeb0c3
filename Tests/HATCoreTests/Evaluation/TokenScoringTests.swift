import Foundation
import HATCore
import HATKernels
import HATText
import TestSupport
import Testing

@testable import HATCore
@testable import HATText

@Suite struct TokenScoringTests {
  private let witness = ModelWitness(.generationSample, seed: 21)

  private func scorer(
    _ rule: SplittingRule = .whitespace, words: Int = 256, bytes: Int = 4096
  ) throws -> HierarchicalScorer {
    HierarchicalScorer(
      witness.model, witness.weights, splitter: try WordSplitter(rule), sequenceWords: words,
      sequenceBytes: bytes)
  }

  private func scores(_ tokens: [Int], _ scorer: any TextScorer, alternatives: Int = 1) throws -> [TokenScore]
  {
    var (scoring, scores) = (try scorer.scoring(of: tokens, alternatives: alternatives), [TokenScore]())
    while let part = try scoring.next() { scores += part }
    return scores
  }

  private func text(words: Int, seed: UInt64) -> [UInt8] {
    var random = BatchGenerator(seed: seed)
    return Array(random.words(words).joined())
  }

  /// Whoever adds up the tokens of a string has what `evaluate` says of it: its logarithm, and whether it is greedy.
  private func expectSame(
    _ scores: [TokenScore], from start: Int, as score: TargetScore,
    location: SourceLocation = #_sourceLocation
  ) {
    let own = scores[start...]
    let sum = own.reduce(0) { $0 - $1.logProbability }
    #expect(abs(sum - score.nats) <= 1e-13 * score.nats, sourceLocation: location)
    let isGreedy = own.allSatisfy { $0.alternatives[0].logProbability == $0.logProbability }
    #expect(isGreedy == score.isGreedy, sourceLocation: location)
  }

  @Test(arguments: [SplittingRule.whitespace, .unicode, .fixed(5)])
  func theTokensOfAStringAddUpToItsScore(rule: SplittingRule) throws {
    let scorer = try scorer(rule)
    for seed in UInt64(1)...6 {
      let text = text(words: 12, seed: seed)
      let scores = try scores(text.map(Int.init), scorer)
      #expect(scores.map(\.token) == text.map(Int.init))
      for start in 0..<text.count where !UTF8.isContinuation(text[start]) {
        expectSame(
          scores, from: start, as: try scorer.score(Array(text[start...]), after: Array(text[..<start])))
      }
    }
  }

  /// Only the last part counts for a string at the end, and it is the one that `score` takes.
  @Test(arguments: [2, 3, 7]) func soTheyDoInTextsOfManySequences(words: Int) throws {
    let scorer = try scorer(words: words, bytes: 70)
    let text = text(words: 30, seed: 4)
    let scores = try scores(text.map(Int.init), scorer)
    #expect(scores.count == text.count)
    #expect(scores.allSatisfy { $0.logProbability < 0 && $0.logProbability.isFinite })
    for length in 1...6 where !UTF8.isContinuation(text[text.count - length]) {
      let start = text.count - length
      guard let score = try? scorer.score(Array(text[start...]), after: Array(text[..<start])) else {
        continue
      }
      expectSame(scores, from: start, as: score)
    }
  }

  /// Over 400 strings of a letter, some are greedy.
  @Test func greedyStringsAreFound() throws {
    let scorer = try scorer()
    var greedy = 0
    for context in ["", "a ", "whal", "e. Z", "größ"] {
      for byte in UInt8(0x20)..<0x7F {
        let text = Array(context.utf8) + [byte]
        let scores = try scores(text.map(Int.init), scorer)
        let score = try scorer.score([byte], after: Array(context.utf8))
        expectSame(scores, from: context.utf8.count, as: score)
        if score.isGreedy { greedy += 1 }
      }
    }
    #expect(greedy <= 5)
  }

  @Test func alternativesAreTheLikeliestInTheirOrder() throws {
    let text = text(words: 8, seed: 3)
    let scores = try scores(text.map(Int.init), scorer(), alternatives: 20)
    for score in scores {
      let values = score.alternatives.map(\.logProbability)
      #expect(values.count == 20 && values == values.sorted(by: >))
      #expect(Set(score.alternatives.map(\.token)).count == 20)
      // Where no word ends, they are the probabilities of one step.
      if score.wordEndLogProbability == nil { #expect(values.reduce(0) { $0 + exp($1) } < 1 + 1e-6) }
      if let own = score.alternatives.first(where: { $0.token == score.token }),
        score.wordEndLogProbability == nil
      {
        #expect(own.logProbability == score.logProbability)
      }
    }
    #expect(scores.contains { $0.wordEndLogProbability != nil })
    #expect(try self.scores(text.map(Int.init), scorer(), alternatives: 0).allSatisfy(\.alternatives.isEmpty))
  }

  /// A window of a text may begin and end within a character.
  @Test func partsOfCharactersAreScored() throws {
    let text = Array("größer 語 🙂 und".utf8)
    for start in 0..<8 {
      for end in (start + 1)...text.count {
        let part = text[start..<end].map(Int.init)
        #expect(try scores(part, scorer()).map(\.token) == part)
      }
    }
  }
}

@Suite struct SubwordTokenScoringTests {
  private let model: SubwordTransformer
  private let parameters: FloatBuffer
  private var weights: ModelWeights { ModelWeights(model.table, in: parameters) }
  private let vocabulary: SubwordVocabulary

  init() throws {
    var configuration = ModelConfiguration.generationSample
    (configuration.kind, configuration.vocabulary) = (.subword, 330)
    model = SubwordTransformer(
      configuration, Execution(capacity: BatchCapacity(positions: 512, piecePositions: 512, wordBytes: 64)))
    parameters = FloatBuffer(zeroed: model.table.count)
    var (random, counts) = (BatchGenerator(seed: 31), WordCounts())
    for index in 0..<parameters.count {
      parameters.base[index] = Float.random(in: -0.5...0.5, using: &random.generator)
    }
    for word in random.words(400) { counts.add(word) }
    vocabulary = try SubwordVocabulary(learningFrom: counts, count: 330)
  }

  private func scorer(
    _ rule: SplittingRule = .whitespace, words: Int = 256, bytes: Int = 512
  ) throws -> SubwordScorer {
    SubwordScorer(
      model, weights, vocabulary, splitter: try WordSplitter(rule), sequenceWords: words,
      sequenceBytes: bytes)
  }

  private func scores(_ tokens: [Int], _ scorer: SubwordScorer) throws -> [TokenScore] {
    var (scoring, scores) = (try scorer.scoring(of: tokens, alternatives: 1), [TokenScore]())
    while let part = try scoring.next() { scores += part }
    return scores
  }

  @Test(arguments: [(256, 512), (5, 60)]) func theTokensOfAStringAddUpToItsScore(room: (Int, Int)) throws {
    let scorer = try scorer(words: room.0, bytes: room.1)
    for seed in UInt64(1)...6 {
      var random = BatchGenerator(seed: seed)
      let text = Array(random.words(14).joined())
      let tokens = SubwordEncoder(vocabulary).encode(text).map(Int.init)
      let scores = try scores(tokens, scorer)
      #expect(scores.map(\.token) == tokens)
      var (start, compared) = (0, 0)
      for (index, token) in tokens.enumerated() {
        defer { start += vocabulary.length(of: Int32(token)) }
        guard !UTF8.isContinuation(text[start]),
          let score = try? scorer.score(Array(text[start...]), after: Array(text[..<start]))
        else { continue }
        let own = scores[index...]
        #expect(abs(own.reduce(0) { $0 - $1.logProbability } - score.nats) <= 1e-13 * score.nats)
        #expect(own.allSatisfy { $0.alternatives[0].logProbability == $0.logProbability } == score.isGreedy)
        compared += 1
      }
      #expect(compared > 3)
    }
  }

  private func byteScores(_ text: [UInt8], _ scorer: SubwordScorer, alternatives: Int = 1) throws
    -> [TokenScore]
  {
    var (scoring, scores) = (
      try scorer.scoring(ofBytes: text, alternatives: alternatives), [TokenScore]()
    )
    while let part = try scoring.next() { scores += part }
    return scores
  }

  /// Wherever in a token a string begins, its bytes have its score and its verdict.
  @Test(arguments: [(SplittingRule.whitespace, 256, 512), (.unicode, 256, 512), (.whitespace, 5, 60)])
  func theBytesOfAStringAddUpToItsScore(rule: SplittingRule, words: Int, bytes: Int) throws {
    let scorer = try scorer(rule, words: words, bytes: bytes)
    for seed in UInt64(1)...6 {
      var random = BatchGenerator(seed: seed)
      let text = Array(random.words(14).joined())
      let scores = try byteScores(text, scorer)
      #expect(scores.map(\.token) == text.map(Int.init))
      var compared = 0
      for start in text.indices where !UTF8.isContinuation(text[start]) {
        guard let score = try? scorer.score(Array(text[start...]), after: Array(text[..<start])) else {
          continue
        }
        let own = scores[start...]
        #expect(abs(own.reduce(0) { $0 - $1.logProbability } - score.nats) <= 1e-13 * score.nats)
        #expect(own.allSatisfy { $0.alternatives[0].logProbability == $0.logProbability } == score.isGreedy)
        compared += 1
      }
      #expect(compared > 10)
    }
  }

  /// A string of one letter is greedy behind some contexts: there the verdict is both.
  @Test func greedyBytesAreFound() throws {
    let scorer = try scorer()
    var greedy = 0
    for context in ["", "a ", "whal", "e. Z", "größ", "t", "the whale "] {
      for byte in UInt8(0x20)..<0x7F {
        let score = try scorer.score([byte], after: Array(context.utf8))
        let own = try byteScores(Array(context.utf8) + [byte], scorer).last!
        #expect((own.alternatives[0].logProbability == own.logProbability) == score.isGreedy)
        if score.isGreedy { greedy += 1 }
      }
    }
    #expect(1...7 ~= greedy)
  }

  @Test func withoutAlternativesThereAreNone() throws {
    #expect(
      try byteScores(Array("the whale größer ".utf8), scorer(), alternatives: 0).allSatisfy(
        \.alternatives.isEmpty))
  }

  /// What a step may take, by adding up tokens that begin so.
  @Test func theStepsOfATokenAreSharesOfThoseThatBeginSo() throws {
    let beginnings = TokenBeginnings(vocabulary)
    var random = BatchGenerator(seed: 9)
    var greedy = 0
    for _ in 0..<40 {
      let logits = (0..<vocabulary.count).map { _ in Float.random(in: -4...4, using: &random.generator) }
      let token = Int32.random(in: 257..<Int32(vocabulary.count), using: &random.generator)
      let text = Array(vocabulary.bytes(of: token))
      func mass(_ beginning: [UInt8]) -> Double {
        logits.indices.reduce(0) {
          $0 + (vocabulary.bytes(of: Int32($1)).starts(with: beginning) ? exp(Double(logits[$1])) : 0)
        }
      }
      let spelling = logits.withUnsafeBufferPointer {
        TokenSpelling(token, text, beginnings, $0, logProbability: nil, alternatives: 300)
      }
      for (place, score) in spelling.bytes.enumerated() {
        let before = Array(text[..<place])
        let best = logits.indices.filter { vocabulary.bytes(of: Int32($0)).starts(with: before) }
          .max { logits[$0] < logits[$1] }!
        let isGreedy = vocabulary.bytes(of: Int32(best)).starts(with: text[...place])
        #expect((score.alternatives[0].logProbability == score.logProbability) == isGreedy)
        #expect(abs(exp(score.logProbability) - mass(Array(text[...place])) / mass(before)) < 1e-12)
        if isGreedy { greedy += 1 }
        // A byte has 256 alternatives, the mark or a token that ends there; those that are likelier than the greedy one are left out.
        for other in score.alternatives.dropFirst() where other.token < 256 && before != [UInt8(other.token)]
        {
          #expect(
            abs(exp(other.logProbability) - mass(before + [UInt8(other.token)]) / mass(before)) < 1e-12)
        }
        let values = score.alternatives.map(\.logProbability)
        #expect(values == values.sorted(by: >) && values.reduce(0) { $0 + exp($1) } < 1 + 1e-12)
      }
      #expect(
        abs(exp(spelling.end.logProbability) - exp(Double(logits[Int(token)])) / mass(text)) < 1e-12)
      let isLongest = !logits.indices.contains {
        vocabulary.bytes(of: Int32($0)).starts(with: text) && logits[$0] > logits[Int(token)]
      }
      #expect(spelling.end.isGreedy == isLongest)
    }
    #expect(greedy > 5)
  }

  /// A window of a text may begin and end within a character.
  @Test func partsOfCharactersAreScored() throws {
    let text = Array("größer 語 🙂 und".utf8)
    for start in 0..<8 {
      for end in (start + 1)...text.count {
        let part = Array(text[start..<end])
        #expect(try byteScores(part, scorer()).map(\.token) == part.map(Int.init))
      }
    }
  }
}
