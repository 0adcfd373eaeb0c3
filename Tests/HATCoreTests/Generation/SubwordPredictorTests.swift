import Foundation
import HATCore
import HATKernels
import HATRandom
import HATText
import TestSupport
import Testing

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
