import HATCore
import HATKernels
import HATText
import TestSupport
import Testing

/// The whole model, forward and backward, against the oracle.
@Suite("Model against oracle")
struct GradientTests {
  @Test("Tensors have the names and shapes of docs/model.md §8", arguments: ModelConfiguration.tinySamples)
  func tensors(configuration: ModelConfiguration) {
    let tensors = TensorTable(configuration).tensors
    let expected = OracleShape(configuration).tensors
    #expect(Set(tensors.map(\.name)) == Set(expected.map(\.name)))
    #expect(
      Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.shape) })
        == Dictionary(uniqueKeysWithValues: expected.map { ($0.name, $0.shape) }))
  }

  @Test(
    "Loss, logits and every gradient", arguments: ModelConfiguration.tinySamples.indices,
    ProductArithmetic.available(.float32))
  func gradients(sample: Int, by arithmetic: ProductArithmetic) {
    for seed in [UInt64(1), 2] { gradients(sample: sample, seed: seed, by: arithmetic) }
  }

  private func gradients(sample: Int, seed: UInt64, by arithmetic: ProductArithmetic) {
    let witness = ModelWitness(ModelConfiguration.tinySamples[sample], seed: seed, by: arithmetic)
    var batches = BatchGenerator(seed: 100 * UInt64(sample) + seed)
    let batch = batches.batch()
    let truth = witness.oracle.run(batch)

    let predictions = witness.predictions(batch)
    expectClose(predictions.wordEmbeddings.flatMap { $0 }, truth.wordEmbeddings.flatMap { $0 }, "e")
    expectClose(predictions.predictiveEmbeddings.flatMap { $0 }, truth.backboneOutputs.flatMap { $0 }, "h")
    expectClose(predictions.logits.flatMap { $0 }, truth.logits, "logits")

    let sum = witness.lossAndGradient(batch)
    #expect(sum.targetPositions == truth.targets.count)
    #expect(abs(sum.nats - truth.lossSum) <= 1e-5 * truth.lossSum)
    for tensor in witness.model.table.tensors {
      expectClose(witness.gradient(of: tensor).map { Float($0) }, truth.gradients[tensor.name]!, tensor.name)
    }
  }

  @Test("The counts of a loss are those of its batch")
  func counts() {
    let witness = ModelWitness(ModelConfiguration.tinySamples[0], seed: 5)
    var batches = BatchGenerator(seed: 6)
    let batch = batches.batch()
    let truth = witness.oracle.run(batch)
    var expected = LossSum()
    var isWordRight = true
    for position in PositionMap(batch) where !batch.isDocumentMark(position.word) {
      let row = truth.logits[(256 * position.index)..<(256 * (position.index + 1))]
      let isRight = row.firstIndex(of: row.max()!)! - row.startIndex == Int(truth.targets[position.index])
      isWordRight = (position.byte == 0 || isWordRight) && isRight
      if truth.targets[position.index] == SpecialByte.word {
        expected.words += 1
        expected.correctWords += isWordRight ? 1 : 0
      } else {
        expected.textBytes += 1
        expected.correctBytes += isRight ? 1 : 0
      }
    }
    let sum = witness.model.loss(batch, witness.weights)
    #expect(sum.words == expected.words && sum.correctWords == expected.correctWords)
    #expect(sum.textBytes == expected.textBytes && sum.correctBytes == expected.correctBytes)
  }

  @Test("A batch is the sum of its pieces, and leaves no trace in the next")
  func pieces() {
    let witness = ModelWitness(ModelConfiguration.tinySamples[1], seed: 7)
    var batches = BatchGenerator(seed: 8)
    let parts = (0..<3).map { _ in Batch.document(batches.words(7)) }
    var whole = Batch()
    for part in parts { whole.append(part) }

    let together = witness.lossAndGradient(whole)
    let gradient = (0..<witness.model.table.count).map { Double(witness.gradient.base[$0]) }
    var sum = [Double](repeating: 0, count: gradient.count)
    var apart = LossSum()
    for part in parts {
      apart = apart + witness.lossAndGradient(part)
      for index in sum.indices { sum[index] += Double(witness.gradient.base[index]) }
    }
    #expect(abs(together.nats - apart.nats) <= 1e-5 * apart.nats)
    expectClose(gradient.map { Float($0) }, sum, "gradient")
    #expect(witness.lossAndGradient(whole) == together)
    let isSame = gradient.indices.allSatisfy { Double(witness.gradient.base[$0]) == gradient[$0] }
    #expect(isSame)
  }
}

/// What decides how a gradient is computed and must not decide what it is.
@Suite("Same bits")
struct SameBitsTests {
  /// Wide enough that threads share the work of every kernel.
  static let model = ModelConfiguration()

  static var withNgrams: ModelConfiguration {
    var model = model
    (model.byteNgrams, model.byteNgramRows) = (4, 50)
    (model.prefixNgrams, model.prefixNgramRows) = (2, 70)
    return model
  }

  static var withNorms: ModelConfiguration {
    var model = model
    model.queryKeyNorm = true
    return model
  }

  static let capacity = BatchCapacity(sequences: 1, sequenceWords: 256, maxWordBytes: 64)

  /// Loss and gradient of one batch.
  static func run(
    _ model: ModelConfiguration = model, threads: Int = 1, recomputation: Recomputation = .none,
    by arithmetic: ProductArithmetic
  ) -> (LossSum, [UInt32]) {
    let transformer = HierarchicalTransformer(
      model,
      Execution(
        capacity: capacity, recomputation: recomputation, arithmetic: arithmetic,
        workers: WorkerPool(threads: threads)))
    let count = transformer.table.count
    let (parameters, gradient) = (FloatBuffer(zeroed: count), FloatBuffer(zeroed: count))
    ParameterInitializer(transformer.table, seed: 3).fill(FlatSlice(parameters))
    var batches = BatchGenerator(seed: 4)
    let batch = batches.batch(words: 90)
    let sum = transformer.lossAndGradient(
      batch, FlatMemory(ModelWeights(transformer.table, in: parameters), gradient: gradient))
    return (sum, (0..<count).map { gradient.base[$0].bitPattern })
  }

  @Test("Any number of threads", arguments: [2, 3, 4], ProductArithmetic.available)
  func threads(count: Int, by arithmetic: ProductArithmetic) {
    for model in [Self.model, Self.withNgrams, Self.withNorms] {
      let (one, many) = (Self.run(model, by: arithmetic), Self.run(model, threads: count, by: arithmetic))
      #expect(one.0 == many.0)
      let isSame = one.1 == many.1
      #expect(isSame)
    }
  }

  @Test(
    "Blocks of the backbone computed again, in less memory",
    arguments: ProductArithmetic.available)
  func recomputation(by arithmetic: ProductArithmetic) {
    for model in [Self.model, Self.withNorms] {
      let kept = Self.run(model, by: arithmetic)
      let again = Self.run(model, recomputation: .blocks, by: arithmetic)
      #expect(kept.0 == again.0)
      let isSame = kept.1 == again.1
      #expect(isSame)
    }
    let floats = [Recomputation.none, .blocks].map {
      HierarchicalTransformer.activationFloats(
        Self.model, Execution(capacity: Self.capacity, recomputation: $0))
    }
    // Of four blocks three keep their input alone.
    let block = 256 * (3 * 128 + 2 * 128 + 2 * StackShape.defaultMLPHidden(width: 128))
    #expect(floats[0] - floats[1] >= 3 * block)
  }
}
