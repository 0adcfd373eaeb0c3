import HATKernels
import HATStorage
import Testing

@testable import HATDistributed

@Suite struct ShardedOptimizerTests {
  /// Three steps of AdamW on random gradients, each range by an optimiser of its own.
  private func parameters(_ ranges: [[Range<Int>]]) -> [UInt32] {
    let model = ToyRegression()
    let optimizers = ranges.map { ShardedOptimizer($0, of: model.tensors, weightDecay: 0.1) }
    let (parameters, gradient) = (
      FloatBuffer(zeroed: ToyRegression.count), FloatBuffer(zeroed: ToyRegression.count)
    )
    model.initialize([0..<ToyRegression.count], of: parameters.base, seed: 1)
    for step in 1...3 {
      for index in 0..<ToyRegression.count {
        var generator = ToyGenerator(seed: UInt64(step * 100_000 + index))
        gradient.base[index] = generator.float()
      }
      for optimizer in optimizers {
        optimizer.update(
          parameters.base, gradient: gradient.base, gradientScale: 0.5, learningRate: 0.01, step: step)
      }
    }
    return parameters.elements.map(\.bitPattern)
  }

  @Test func slicesUpdateBitForBitLikeTheWhole() throws {
    let model = ToyRegression()
    let whole = parameters([[0..<ToyRegression.count]])
    let units = ModelUnits(count: ToyRegression.count, blocks: model.blocks)
    for ranks in 1...8 {
      for stage in Sharding.stages {
        let sharding = try Sharding(
          stage: stage, nodes: NodeMap(ranks: ranks, nodes: 1), units: units, microBatches: ranks)
        let sliced = parameters((0..<ranks).map(sharding.updatedRanges(ofRank:)))
        #expect(sliced == whole, "\(ranks), stage \(stage)")
      }
    }
  }

  /// At stage 0 every node keeps all moments, at the others the cluster does.
  @Test func momentsAreWholeOnceANodeOrOnceInAll() throws {
    let units = ModelUnits(count: ToyRegression.count, blocks: ToyRegression().blocks)
    for (ranks, nodes) in [(1, 1), (4, 1), (4, 2), (5, 2), (6, 3), (3, 3)] {
      let map = NodeMap(ranks: ranks, nodes: nodes)
      for stage in Sharding.stages {
        let sharding = try Sharding(stage: stage, nodes: map, units: units, microBatches: ranks)
        let kept = (0..<ranks).map { sharding.updatedRanges(ofRank: $0).reduce(0) { $0 + $1.count } }
        #expect(kept.reduce(0, +) == units.count * (stage == 0 ? nodes : 1), "\(ranks) on \(nodes), \(stage)")
      }
    }
  }

  /// Decay shrinks a matrix whose gradient is zero, and leaves a norm as it is.
  @Test func onlyMatricesDecay() {
    let model = ToyRegression()
    let optimizer = ShardedOptimizer([0..<ToyRegression.count], of: model.tensors, weightDecay: 0.5)
    let (parameters, gradient) = (
      FloatBuffer(zeroed: ToyRegression.count), FloatBuffer(zeroed: ToyRegression.count)
    )
    parameters.elements.update(repeating: 1)
    optimizer.update(parameters.base, gradient: gradient.base, gradientScale: 1, learningRate: 0.1, step: 1)
    for tensor in model.tensors {
      let expected: Float = tensor.isMatrix ? 0.95 : 1
      #expect(tensor.range.allSatisfy { abs(parameters.base[$0] - expected) < 1e-6 }, "\(tensor.name)")
    }
  }

  @Test(arguments: [4, -1]) func otherStagesAreRefused(stage: Int) {
    #expect(throws: UserError.self) {
      _ = try Sharding(
        stage: stage, nodes: NodeMap(ranks: 1, nodes: 1), units: ModelUnits(count: 10, blocks: []),
        microBatches: 1)
    }
  }
}
