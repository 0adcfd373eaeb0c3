import HATCore
import HATKernels
import HATText
import TestSupport
import Testing

/// The whole model, forward and backward, against the oracle.
@Suite("Model against oracle")
struct GradientTests {
  @Test("Tensors have the names and shapes of model.md §8", arguments: ModelConfiguration.tinySamples)
  func tensors(configuration: ModelConfiguration) {
    let tensors = ParameterLayout(configuration).tensors
    let expected = OracleShape(configuration).tensors
    #expect(Set(tensors.map(\.name)) == Set(expected.map(\.name)))
    #expect(
      Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.shape) })
        == Dictionary(uniqueKeysWithValues: expected.map { ($0.name, $0.shape) }))
  }

  @Test(
    "Loss, logits and every gradient", arguments: ModelConfiguration.tinySamples.indices,
    ProductArithmetic.available)
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
    for tensor in witness.model.layout.tensors {
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
    let sum = witness.model.loss(batch, parameters: witness.parameters.base)
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
    let gradient = (0..<witness.model.layout.count).map { Double(witness.gradient.base[$0]) }
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
