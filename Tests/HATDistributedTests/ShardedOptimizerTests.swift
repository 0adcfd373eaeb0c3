import HATKernels
import HATStorage
import Testing

@testable import HATDistributed

@Suite struct ShardedOptimizerTests {
  /// Three steps of AdamW on random gradients; the parameters as bits, from rank 0.
  private func parameters(ranks: Int, zeroStage: Int) throws -> [UInt32] {
    try ThreadCommunicator.run(size: ranks) { communicator in
      let model = ToyRegression()
      let table = SliceTable(count: ToyRegression.count, ranks: ranks)
      let optimizer = try ShardedOptimizer(
        communicator: communicator, table: table, tensors: model.tensors, zeroStage: zeroStage,
        weightDecay: 0.1)
      let parameters = FloatBuffer(zeroed: table.count)
      model.initialize(0..<table.count, of: parameters.base, seed: 1)
      for step in 1...3 {
        let gradient = FloatBuffer(zeroed: table.count)
        for index in table.slices[communicator.rank] {
          var generator = ToyGenerator(seed: UInt64(step * 100_000 + index))
          gradient.base[index] = generator.float()
        }
        try optimizer.update(
          parameters, gradient: gradient, gradientScale: 0.5, learningRate: 0.01, step: step)
      }
      return parameters.elements.map(\.bitPattern)
    }[0]
  }

  @Test func slicesUpdateBitForBitLikeTheWhole() throws {
    let whole = try parameters(ranks: 1, zeroStage: 0)
    for ranks in 1...8 {
      for zeroStage in [0, 1] {
        #expect(try parameters(ranks: ranks, zeroStage: zeroStage) == whole, "\(ranks), stage \(zeroStage)")
      }
    }
  }

  /// Decay shrinks a matrix whose gradient is zero, and leaves a norm as it is.
  @Test func onlyMatricesDecay() throws {
    let model = ToyRegression()
    let table = SliceTable(count: ToyRegression.count, ranks: 1)
    let optimizer = try ShardedOptimizer(
      communicator: SoloCommunicator(), table: table, tensors: model.tensors, zeroStage: 1, weightDecay: 0.5)
    let (parameters, gradient) = (FloatBuffer(zeroed: table.count), FloatBuffer(zeroed: table.count))
    parameters.elements.update(repeating: 1)
    try optimizer.update(parameters, gradient: gradient, gradientScale: 1, learningRate: 0.1, step: 1)
    for tensor in model.tensors {
      let expected: Float = tensor.isMatrix ? 0.95 : 1
      #expect(tensor.range.allSatisfy { abs(parameters.base[$0] - expected) < 1e-6 }, "\(tensor.name)")
    }
  }

  @Test(arguments: [2, 3, -1]) func otherStagesAreRefused(stage: Int) {
    #expect(throws: UserError.self) {
      _ = try ShardedOptimizer(
        communicator: SoloCommunicator(), table: SliceTable(count: 10, ranks: 1), tensors: [],
        zeroStage: stage, weightDecay: 0)
    }
  }
}
