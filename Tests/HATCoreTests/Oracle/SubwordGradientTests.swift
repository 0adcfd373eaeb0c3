import HATCore
import HATKernels
import HATText
import TestSupport
import Testing

/// The baseline, forward and backward, against the oracle, and bit for bit against itself.
@Suite("Subword model against oracle")
struct SubwordGradientTests {
  private static let samples: [ModelConfiguration] = ModelConfiguration.tinySamples.enumerated().map {
    var model = $1
    model.kind = .subword
    model.vocabulary = 258 + 3 * $0
    (model.tokenNgrams, model.tokenNgramRows) = (model.byteNgrams, model.byteNgramRows)
    return model
  }

  /// Learnt from words like those of the batches.
  private static func vocabulary(_ count: Int) throws -> SubwordVocabulary {
    var batches = BatchGenerator(seed: 31)
    var counts = WordCounts()
    for word in batches.words(400) { counts.add(word) }
    return try SubwordVocabulary(learningFrom: counts, count: count)
  }

  private static func batch(_ vocabulary: SubwordVocabulary, seed: UInt64, words: Int = 24) -> TokenBatch {
    var batches = BatchGenerator(seed: seed)
    return TokenBatcher(vocabulary).tokens(of: batches.batch(words: words))
  }

  private static let capacity = BatchCapacity(positions: 2048, piecePositions: 1024, wordBytes: 64)

  @Test("Tensors have the names and shapes of docs/subword.md", arguments: samples)
  func tensors(model: ModelConfiguration) {
    let expected = OracleSubwordModel.tensors(OracleShape(model), vocabulary: model.vocabulary)
    let tensors = TensorTable(model).tensors
    #expect(tensors.map(\.name) == expected.map(\.name))
    #expect(tensors.map(\.shape) == expected.map(\.shape))
  }

  @Test(
    "Loss, counts and every gradient", arguments: samples.indices,
    ProductArithmetic.available(.float32))
  func gradients(sample: Int, by arithmetic: ProductArithmetic) throws {
    for seed in [UInt64(1), 2] { try gradients(sample: sample, seed: seed, by: arithmetic) }
  }

  private func gradients(sample: Int, seed: UInt64, by arithmetic: ProductArithmetic) throws {
    let configuration = Self.samples[sample]
    let oracle = OracleSubwordModel(
      shape: OracleShape(configuration), vocabulary: configuration.vocabulary, seed: seed)
    let batch = Self.batch(try Self.vocabulary(configuration.vocabulary), seed: 10 * seed + UInt64(sample))
    let truth = oracle.run(batch)

    let model = SubwordTransformer(
      configuration, Execution(capacity: Self.capacity, arithmetic: arithmetic))
    let parameters = FloatBuffer(zeroed: model.table.count)
    let gradient = FloatBuffer(zeroed: model.table.count)
    let weights = ModelWeights(model.table, in: parameters)
    gradient.base.update(repeating: .nan, count: gradient.count)
    for tensor in model.table.tensors {
      for (index, value) in zip(tensor.range, oracle.parameters.tensors[tensor.name]!.values) {
        parameters.base[index] = Float(value)
      }
    }
    let sum = model.lossAndGradient(batch, FlatMemory(weights, gradient: gradient))
    #expect(abs(sum.nats - truth.losses.reduce(0, +)) <= 1e-5 * sum.nats)
    #expect(sum.targetPositions == batch.tokenCount)
    let right = zip(truth.guesses, batch.targets).map { $0 == Int($1) }
    #expect(sum.words == batch.words.count)
    #expect(sum.correctWords == batch.words.count { $0.allSatisfy { right[Int($0)] } })
    for tensor in model.table.tensors {
      expectClose(tensor.range.map { gradient.base[$0] }, truth.gradients[tensor.name]!, tensor.name)
    }
    #expect(model.loss(batch, weights) == sum)
  }

  /// Loss and gradient of a batch of several tiles of the head.
  private static func run(threads: Int = 1, recomputation: Recomputation = .none) throws -> (
    LossSum, [UInt32]
  ) {
    var configuration = ModelConfiguration()
    (configuration.kind, configuration.vocabulary) = (.subword, 300)
    (configuration.tokenNgrams, configuration.tokenNgramRows) = (3, 50)
    configuration.queryKeyNorm = true
    let model = SubwordTransformer(
      configuration,
      Execution(capacity: capacity, recomputation: recomputation, workers: WorkerPool(threads: threads)))
    let count = model.table.count
    let (parameters, gradient) = (FloatBuffer(zeroed: count), FloatBuffer(zeroed: count))
    ParameterInitializer(model.table, seed: 3).fill(FlatSlice(parameters))
    let batch = batch(try vocabulary(300), seed: 4, words: 90)
    #expect(batch.tokenCount > 256)
    let sum = model.lossAndGradient(
      batch, FlatMemory(ModelWeights(model.table, in: parameters), gradient: gradient))
    return (sum, (0..<count).map { gradient.base[$0].bitPattern })
  }

  @Test("Threads and recomputation change no bit")
  func sameBits() throws {
    let plain = try Self.run()
    for other in [try Self.run(threads: 2), try Self.run(threads: 3), try Self.run(recomputation: .blocks)] {
      #expect(plain.0 == other.0)
      let isSame = plain.1 == other.1
      #expect(isSame)
    }
  }

  @Test("FLOPs are those of the products, counted by hand")
  func flops() {
    var model = ModelConfiguration()
    (model.kind, model.vocabulary, model.layers, model.mlpHidden) = (.subword, 300, 1, 100)
    (model.width, model.headSize) = (8, 4)
    var batch = TokenBatch()
    batch.appendPiece(opening: 256, targets: [1, 2, 3])
    let rowProducts: Double = 2 * Double(8 * 24 + 8 * 8 + 3 * 8 * 100 + 300 * 8)
    let scores: Double = 4 * 8 * 6
    #expect(SubwordCost(model).forward(batch) == 3 * rowProducts + scores)
    #expect(
      SubwordCost(model).forwardPerByte(bytesPerToken: 4, pieceTokens: 3) == (3 * rowProducts + scores) / 12)
  }
}
