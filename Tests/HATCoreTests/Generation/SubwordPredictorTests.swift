import Foundation
import HATKernels
import HATRandom
import HATText
import TestSupport
import Testing

@testable import HATCore

@Suite struct SubwordPredictorTests {
  private let model: ModelConfiguration
  private let parameters: FloatBuffer
  private var weights: ModelWeights { ModelWeights(TensorTable(model), in: parameters) }
  private let vocabulary: SubwordVocabulary

  init() throws {
    var model = ModelConfiguration.generationSample
    (model.kind, model.vocabulary) = (.subword, 330)
    (model.tokenNgrams, model.tokenNgramRows) = (3, 50)
    self.model = model
    let count = TensorTable(model).count
    parameters = FloatBuffer(zeroed: count)
    var random = RandomSource(keys: 17)
    // Large enough that the model prefers something.
    for index in 0..<count { parameters.base[index] = Float(random.nextUnit() - 0.5) }
    var (batches, counts) = (BatchGenerator(seed: 31), WordCounts())
    for word in batches.words(400) { counts.add(word) }
    vocabulary = try SubwordVocabulary(learningFrom: counts, count: model.vocabulary)
  }

  private func predictor(documents: Int = 1, words: Int = 256, bytes: Int = 2048) -> SubwordPredictor {
    SubwordPredictor(
      model, weights, vocabulary: vocabulary, documents: documents, contextWords: words,
      contextBytes: bytes)
  }

  private func text(words: Int, seed: UInt64) -> [UInt8] {
    var random = BatchGenerator(seed: seed)
    return Array(random.words(words).joined())
  }

  /// The nats of a document, token by token, are those of the forward pass.
  @Test func predictionsCostWhatTheFullForwardPassSays() throws {
    var random = BatchGenerator(seed: 5)
    let words = random.words(30)
    let batch = TokenBatcher(vocabulary).tokens(of: .document(words))
    let loss = SubwordTransformer(
      model, Execution(capacity: BatchCapacity(positions: 1024, piecePositions: 1024, wordBytes: 64))
    ).loss(batch, weights)

    let predictor = predictor()
    predictor.start(0)
    var nats = 0.0
    for symbol in predictor.symbols(of: Array(words.joined())) + [predictor.endSymbol] {
      #expect(predictor.predict() == [0])
      let logits = predictor.logits(of: 0).map(Double.init)
      nats += log(logits.reduce(0) { $0 + exp($1) }) - logits[symbol]
      predictor.append([symbol], to: 0)
    }
    #expect(abs(nats - loss.nats) < 1e-4 * loss.nats)
  }

  /// Text without white space first, so that all words may begin in the half of a context that stays.
  @Test func contextsAreNeverLongerThanSequences() {
    let limits = ContextLimits(words: 8, bytes: 64, vocabulary)
    let words = (0..<60).flatMap { _ in [Int32(0x61), 0x20] }
    for letters in 0..<130 {
      var document = SubwordDocument()
      var (mostWords, mostTokens) = (0, 0)
      for token in Array(repeating: Int32(0x78), count: letters) + words {
        document.append(token, limits)
        let context = document.context
        mostWords = max(
          mostWords, zip(context, context.dropFirst()).count { limits.opensWord($1, behind: $0) })
        mostTokens = max(mostTokens, context.count)
      }
      #expect(mostWords <= 8 && mostTokens <= 64, "\(letters) letters")
    }
  }

  private let dialogue = ChatTemplate.turns.prompt([
    .init(.system, "eat bet"), .init(.user, "a größer tea "), .init(.assistant, "b"), .init(.user, ""),
  ])

  @Test func textBetweenMarksIsEncodedByItself() {
    let encoder = SubwordEncoder(vocabulary)
    func tokens(_ text: String) -> [Int] { encoder.encode(Array(text.utf8)).map(Int.init) }
    let first = [0xF5] + tokens("eat bet") + [0xF8, 0xF6] + tokens("a größer tea ") + [0xF8]
    let expected = first + [0xF7] + tokens("b") + [0xF8, 0xF6, 0xF8, 0xF7]
    #expect(predictor().symbols(of: dialogue) == expected)
    for mark in 0xF5...0xF8 { #expect(predictor().text(of: mark).isEmpty) }
  }

  /// The nats of a dialogue, token by token, are those of the forward pass.
  @Test func marksCostWhatTheFullForwardPassSays() throws {
    let predictor = predictor()
    let symbols = predictor.symbols(of: dialogue + Array("tea".utf8) + [0xF8]) + [predictor.endSymbol]
    var batch = TokenBatch()
    batch.appendPiece(opening: SubwordVocabulary.documentMark, targets: symbols.map(Int32.init))
    let loss = SubwordTransformer(
      model, Execution(capacity: BatchCapacity(positions: 1024, piecePositions: 1024, wordBytes: 64))
    ).loss(batch, weights)
    predictor.start(0)
    var nats = 0.0
    for symbol in symbols {
      #expect(predictor.predict() == [0])
      let logits = predictor.logits(of: 0).map(Double.init)
      nats += log(logits.reduce(0) { $0 + exp($1) }) - logits[symbol]
      predictor.append([symbol], to: 0)
    }
    #expect(abs(nats - loss.nats) < 1e-4 * loss.nats)
  }

  /// The head's row of the end of a turn is that of a letter, and larger.
  private func prefersTurnEnds() {
    let head = TensorTable(model).tensors.first { $0.name == "head.weight" }!
    let (start, width) = (head.range.lowerBound, head.shape[1])
    for column in 0..<width {
      parameters.base[start + 0xF8 * width + column] = 3 * parameters.base[start + 0x74 * width + column]
    }
  }

  @Test(arguments: [(256, 2048), (4, 2048), (256, 9)])
  func turnsEndBehindMarksOnly(context: (Int, Int)) throws {
    prefersTurnEnds()
    func ends(_ prompt: [UInt8], batch: Int) throws -> [(text: [UInt8], end: TextGenerator.End)] {
      var found: [(text: [UInt8], end: TextGenerator.End)] = []
      let generator = TextGenerator(predictor(documents: batch, words: context.0, bytes: context.1))
      for start in stride(from: 0, to: 24, by: batch) {
        var samplers = try (start..<start + batch).map {
          try Sampler(temperature: 1, topP: 1, seed: 1, document: $0)
        }
        var texts = Array(repeating: [UInt8](), count: batch)
        generator.read(Array(repeating: prompt, count: batch))
        let ends = try generator.write(byteLimit: 70, samplers: &samplers) { texts[$0] += $1 }
        found += zip(texts, ends).map { (text: $0, end: $1) }
      }
      return found
    }
    let (alone, together) = (try ends(dialogue, batch: 1), try ends(dialogue, batch: 8))
    #expect(zip(alone, together).allSatisfy { $0.text == $1.text && $0.end == $1.end })
    #expect(alone.count { $0.end == .turnEnd } > 3)
    #expect(alone.allSatisfy { String(validating: $0.text, as: UTF8.self) != nil })
    #expect(!(try ends(Array("tea ".utf8), batch: 8)).contains { $0.end == .turnEnd })
  }

  private func texts(
    _ prompts: [[UInt8]], batch: Int, words: Int = 256, bytes: Int = 2048, temperature: Double = 1,
    cached: Bool = true
  ) throws -> [[UInt8]] {
    let predictor = predictor(documents: batch, words: words, bytes: bytes)
    let generator = TextGenerator(cached ? predictor : RereadingPredictor(predictor))
    var texts = prompts.map { _ in [UInt8]() }
    for start in stride(from: 0, to: prompts.count, by: batch) {
      let range = start..<min(start + batch, prompts.count)
      var samplers = try range.map { try Sampler(temperature: temperature, topP: 1, seed: 1, document: $0) }
      generator.read(Array(prompts[range]))
      _ = try generator.write(byteLimit: 70, samplers: &samplers) { texts[start + $0] += $1 }
    }
    return texts
  }

  @Test(arguments: [(256, 2048), (3, 2048), (256, 9)], [0.0, 1, 3])
  func neitherBatchNorCachesChangeTheText(context: (Int, Int), temperature: Double) throws {
    let prompts = (0..<7).map { text(words: $0 % 4, seed: UInt64($0)) }
    func texts(batch: Int, cached: Bool = true) throws -> [[UInt8]] {
      try self.texts(
        prompts, batch: batch, words: context.0, bytes: context.1, temperature: temperature, cached: cached)
    }
    let alone = try texts(batch: 1)
    #expect(try texts(batch: 7) == alone)
    #expect(try texts(batch: 3, cached: false) == alone)
    for text in alone {
      #expect(String(validating: text, as: UTF8.self) != nil)
      #expect(text.count <= 70)
    }
    #expect(alone.contains { $0.count == 70 })
  }
}
