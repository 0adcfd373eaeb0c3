import Foundation
import HATCore
import HATKernels
import HATText
import TestSupport
import Testing

/// Dialogues, of which only answers count, and preference pairs, against the oracle.
@Suite("Dialogues and preferences against oracle")
struct DialogueGradientTests {
  private static let samples = ModelConfiguration.tinySamples
  /// Of gradients of pairs: that of any gradient, and β times what a margin may be off, which every slope is off by.
  private static let pairTolerance = 5e-5 + 0.1 * marginTolerance
  private static let marginTolerance = 1e-3

  @Test(
    "Only what counts has a loss, and every gradient", arguments: samples.indices,
    ProductArithmetic.available(.float32))
  func dialogues(sample: Int, by arithmetic: ProductArithmetic) {
    let witness = ModelWitness(Self.samples[sample], seed: 3, by: arithmetic)
    var batches = BatchGenerator(seed: 40 + UInt64(sample))
    let batch = batches.dialogues()
    let counts = PositionMap(batch).map { batch.counts($0.word) }
    let truth = witness.oracle.run(batch) { counts[$0] ? 1 : 0 }

    let sum = witness.lossAndGradient(batch)
    #expect(sum.targetPositions == counts.count { $0 })
    #expect(sum.targetPositions < counts.count)
    #expect(abs(sum.nats - truth.lossSum) <= 1e-5 * truth.lossSum)
    let words = (0..<batch.wordCount).filter { batch.counts($0) && !batch.isMark($0) }
    #expect(sum.words == words.count)
    #expect(sum.textBytes == words.reduce(0) { $0 + batch.byteRange(ofWord: $1).count })
    for tensor in witness.model.table.tensors {
      expectClose(witness.gradient(of: tensor).map { Float($0) }, truth.gradients[tensor.name]!, tensor.name)
    }
    #expect(close(witness.model.loss(batch, witness.weights), sum))
  }

  @Test(
    "Preference pairs: loss and every gradient", arguments: samples.indices,
    ProductArithmetic.available(.float32))
  func preferences(sample: Int, by arithmetic: ProductArithmetic) {
    let witness = ModelWitness(Self.samples[sample], seed: 3, by: arithmetic)
    var batches = BatchGenerator(seed: 70 + UInt64(sample))
    let batch = batches.pairs()
    let positions = Array(PositionMap(batch))
    let pieces = positions.map { position in
      (0..<batch.pieceCount).first { batch.wordRange(ofPiece: $0) == position.piece }!
    }
    let counts = positions.map { batch.counts($0.word) }
    let expected = Preference(
      losses: witness.oracle.run(batch).losses, pieces, counts, batch.pairs.map { $0.referenceMargin! })
    let truth = witness.oracle.run(batch) { counts[$0] ? expected.slopes[pieces[$0]] : 0 }

    let sum = witness.lossAndGradient(batch)
    expect(sum, is: expected, of: batch)
    #expect(sum.targetPositions == zip(counts, pieces).count { $0 && $1 % 2 == 0 })
    for tensor in witness.model.table.tensors {
      expectClose(
        witness.gradient(of: tensor).map { Float($0) }, truth.gradients[tensor.name]!, tensor.name,
        tolerance: Self.pairTolerance)
    }
    #expect(close(witness.model.loss(batch, witness.weights), sum))
    let margins = witness.model.preferenceMargins(batch, witness.weights)
    for (margin, truth) in zip(margins, expected.margins) {
      #expect(abs(margin - truth) <= Self.marginTolerance)
    }
  }

  @Test("The baseline: dialogues and preference pairs", arguments: samples.indices)
  func baseline(sample: Int) throws {
    var configuration = Self.samples[sample]
    (configuration.kind, configuration.vocabulary) = (.subword, 258)
    (configuration.tokenNgrams, configuration.tokenNgramRows) = (
      configuration.byteNgrams, configuration.byteNgramRows
    )
    var batches = BatchGenerator(seed: 90 + UInt64(sample))
    var counted = WordCounts()
    for word in batches.words(200) { counted.add(word) }
    let batcher = TokenBatcher(try SubwordVocabulary(learningFrom: counted, count: 258))
    let oracle = OracleSubwordModel(shape: OracleShape(configuration), vocabulary: 258, seed: 9)
    let model = SubwordTransformer(
      configuration,
      Execution(capacity: BatchCapacity(positions: 2048, piecePositions: 1024, wordBytes: 64)))
    let parameters = FloatBuffer(zeroed: model.table.count)
    let gradient = FloatBuffer(zeroed: model.table.count)
    let weights = ModelWeights(model.table, in: parameters)
    for tensor in model.table.tensors {
      for (index, value) in zip(tensor.range, oracle.parameters.tensors[tensor.name]!.values) {
        parameters.base[index] = Float(value)
      }
    }
    for words in [batches.dialogues(), batches.pairs()] {
      let batch = batcher.tokens(of: words)
      let counts = (0..<batch.tokenCount).map(batch.isCounted)
      let pieces = (0..<batch.pieceCount).flatMap { piece in
        batch.tokenRange(ofPiece: piece).map { _ in piece }
      }
      let expected = Preference(
        losses: oracle.run(batch).losses, pieces, counts, batch.pairs.map { $0.referenceMargin! })
      let truth = oracle.run(batch) { target in
        guard counts[target] else { return 0 }
        return batch.pairs.isEmpty ? 1 : expected.slopes[pieces[target]]
      }
      gradient.base.update(repeating: .nan, count: gradient.count)
      let sum = model.lossAndGradient(batch, FlatMemory(weights, gradient: gradient))
      for tensor in model.table.tensors {
        expectClose(
          tensor.range.map { gradient.base[$0] }, truth.gradients[tensor.name]!, tensor.name,
          tolerance: batch.pairs.isEmpty ? 5e-5 : Self.pairTolerance)
      }
      if batch.pairs.isEmpty {
        let nats = zip(truth.losses, counts).reduce(0) { $0 + ($1.1 ? $1.0 : 0) }
        #expect(abs(sum.nats - nats) <= 1e-5 * nats && sum.pairs == 0)
        #expect(sum.targetPositions == counts.count { $0 } && sum.targetPositions < counts.count)
      } else {
        expect(sum, is: expected, of: words)
      }
      #expect(close(model.loss(batch, weights), sum))
    }
  }

  @Test("Threads and recomputation change no bit of a preference pair's gradient")
  func sameBits() {
    func run(threads: Int, _ recomputation: Recomputation) -> (LossSum, [UInt32]) {
      let model = HierarchicalTransformer(
        ModelConfiguration(),
        Execution(
          capacity: SameBitsTests.capacity, recomputation: recomputation,
          workers: WorkerPool(threads: threads)))
      let count = model.table.count
      let (parameters, gradient) = (FloatBuffer(zeroed: count), FloatBuffer(zeroed: count))
      ParameterInitializer(model.table, seed: 3).fill(FlatSlice(parameters))
      var batches = BatchGenerator(seed: 4)
      let batch = batches.pairs(6)
      let sum = model.lossAndGradient(
        batch, FlatMemory(ModelWeights(model.table, in: parameters), gradient: gradient))
      return (sum, (0..<count).map { gradient.base[$0].bitPattern })
    }
    let plain = run(threads: 1, .none)
    for other in [run(threads: 2, .none), run(threads: 3, .none), run(threads: 1, .blocks)] {
      #expect(plain.0 == other.0)
      let isSame = plain.1 == other.1
      #expect(isSame)
    }
  }

  private func expect(
    _ sum: LossSum, is expected: Preference, of batch: Batch, location: SourceLocation = #_sourceLocation
  ) {
    let chosen = batch.pairs.indices.flatMap { batch.wordRange(ofPiece: 2 * $0).dropFirst() }
      .filter { batch.counts($0) && !batch.isMark($0) }
    #expect(sum.words == chosen.count && sum.correctWords <= sum.words, sourceLocation: location)
    let textBytes = chosen.reduce(0) { $0 + batch.byteRange(ofWord: $1).count }
    #expect(sum.textBytes == textBytes, sourceLocation: location)
    #expect(sum.pairs == expected.margins.count, sourceLocation: location)
    #expect(sum.preferredPairs == expected.preferred, sourceLocation: location)
    #expect(abs(sum.preferenceNats - expected.loss) <= 1e-4, sourceLocation: location)
    #expect(abs(sum.reward - expected.reward) <= 1e-4, sourceLocation: location)
    #expect(sum.loss == sum.preferenceNats / Double(sum.pairs), sourceLocation: location)
  }

  /// Loss alone and loss with gradient may add up exponentials in another order.
  private func close(_ one: LossSum, _ other: LossSum) -> Bool {
    var (one, other) = (one, other)
    let isClose =
      abs(one.nats - other.nats) <= 1e-5 * abs(other.nats)
      && abs(one.preferenceNats - other.preferenceNats) <= 1e-4 && abs(one.reward - other.reward) <= 1e-4
    (one.nats, one.preferenceNats, one.reward) = (0, 0, 0)
    (other.nats, other.preferenceNats, other.reward) = (0, 0, 0)
    return isClose && one == other
  }
}

/// Direct preference optimisation as the paper writes it (arXiv 2305.18290, eq. 7), with β = 0.1, its slopes by central
/// differences.
private struct Preference {
  var margins: [Double] = []
  var (loss, reward, preferred) = (0.0, 0.0, 0)
  /// Of the loss by the nats of each piece.
  var slopes: [Double] = []

  init(losses: [Double], _ pieces: [Int], _ counts: [Bool], _ references: [Double]) {
    guard !references.isEmpty else { return }
    var nats = [Double](repeating: 0, count: 2 * references.count)
    for (index, loss) in losses.enumerated() where counts[index] { nats[pieces[index]] += loss }
    func loss(_ nats: [Double]) -> Double {
      references.enumerated().reduce(0) { sum, pair in
        let (chosen, rejected) = (-nats[2 * pair.offset], -nats[2 * pair.offset + 1])
        return sum - log(1 / (1 + exp(-0.1 * (chosen - rejected - pair.element))))
      }
    }
    self.loss = loss(nats)
    for (index, reference) in references.enumerated() {
      margins.append(nats[2 * index + 1] - nats[2 * index])
      reward += 0.1 * (margins[index] - reference)
      if margins[index] > reference { preferred += 1 }
    }
    slopes = nats.indices.map { piece in
      CentralDifference.slope(step: 1e-3) { step in
        var moved = nats
        moved[piece] += step
        return loss(moved)
      }
    }
  }
}
