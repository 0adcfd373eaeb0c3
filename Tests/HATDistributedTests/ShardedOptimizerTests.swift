import HATCore
import HATKernels
import HATStorage
import Testing

@testable import HATDistributed

@Suite struct ShardedOptimizerTests {
  private static let count = ToyRegression.count

  private static func rule(
    _ kind: OptimizerKind = .adamw, weightDecay: Double = 0.1
  ) -> any OptimizerRule {
    var training = TrainingConfiguration()
    (training.optimizer, training.weightDecay) = (kind, weightDecay)
    return training.optimizerRule
  }

  /// Three steps on random gradients, each list of ranges by an optimiser of its own.
  private func parameters(
    _ ranges: [[Range<Int>]], _ rule: any OptimizerRule = rule(), threads: Int = 1
  ) -> [UInt32] {
    let table = ToyRegression.table
    let (parameters, gradient) = (FloatBuffer(zeroed: Self.count), FloatBuffer(zeroed: Self.count))
    let optimizers = ranges.map {
      ShardedOptimizer(
        rule, table, $0, parameters: parameters, gradient: gradient, workers: WorkerPool(threads: threads))
    }
    ParameterInitializer(table, seed: 1).fill(FlatSlice(parameters))
    for step in 1...3 {
      for index in 0..<Self.count {
        var generator = ToyGenerator(seed: UInt64(step * 100_000 + index))
        gradient.base[index] = generator.float()
      }
      for optimizer in optimizers {
        optimizer.update(at: OptimizerStep(step, learningRate: 0.01, gradientScale: 0.5))
      }
    }
    return parameters.elements.map(\.bitPattern)
  }

  private func sharding(
    _ stage: Int, _ nodes: NodeMap, _ rule: any OptimizerRule = rule()
  ) throws -> Sharding {
    try Sharding(
      stage: stage, nodes: nodes, ToyRegression.table, rule, microBatches: nodes.nodeOfRank.count)
  }

  @Test(arguments: OptimizerKind.allCases)
  func slicesUpdateBitForBitLikeTheWhole(kind: OptimizerKind) throws {
    let rule = Self.rule(kind)
    let whole = parameters([[0..<Self.count]], rule)
    for ranks in 1...8 {
      for stage in Sharding.stages {
        let sharding = try sharding(stage, NodeMap(ranks: ranks, nodes: 1), rule)
        let sliced = parameters((0..<ranks).map(sharding.updatedRanges(ofRank:)), rule)
        #expect(sliced == whole, "\(ranks), stage \(stage)")
      }
    }
  }

  @Test(arguments: [2, 3]) func threadsChangeNothing(threads: Int) {
    let model = TensorTable([
      Tensor(
        name: "large", shape: [300, 500], role: .hiddenMatrix, unit: .front,
        initialValues: .normal(deviation: 0.02), start: 0)
    ])
    func updated(_ threads: Int) -> [UInt32] {
      let (parameters, gradient) = (FloatBuffer(zeroed: model.count), FloatBuffer(zeroed: model.count))
      ParameterInitializer(model, seed: 1).fill(FlatSlice(parameters))
      ParameterInitializer(model, seed: 2).fill(FlatSlice(gradient))
      let optimizer = ShardedOptimizer(
        Self.rule(), model, [0..<model.count], parameters: parameters, gradient: gradient,
        workers: WorkerPool(threads: threads))
      for step in 1...2 {
        optimizer.update(at: OptimizerStep(step, learningRate: 0.01, gradientScale: 0.5))
      }
      return parameters.elements.map(\.bitPattern)
    }
    #expect(updated(threads) == updated(1))
  }

  /// At stage 0 every node keeps all state, at the others the cluster does.
  @Test func stateIsWholeOnceANodeOrOnceInAll() throws {
    for (ranks, nodes) in [(1, 1), (4, 1), (4, 2), (5, 2), (6, 3), (3, 3)] {
      let map = NodeMap(ranks: ranks, nodes: nodes)
      for stage in Sharding.stages {
        let sharding = try sharding(stage, map)
        let kept = (0..<ranks).map { sharding.updatedRanges(ofRank: $0).reduce(0) { $0 + $1.count } }
        #expect(kept.reduce(0, +) == Self.count * (stage == 0 ? nodes : 1), "\(ranks) on \(nodes), \(stage)")
      }
    }
  }

  /// Decay shrinks a matrix whose gradient is zero, and leaves a gain as it is.
  @Test func onlyMatricesDecay() {
    let (parameters, gradient) = (FloatBuffer(zeroed: Self.count), FloatBuffer(zeroed: Self.count))
    let optimizer = ShardedOptimizer(
      Self.rule(weightDecay: 0.5), ToyRegression.table, [0..<Self.count], parameters: parameters,
      gradient: gradient)
    parameters.elements.update(repeating: 1)
    optimizer.update(at: OptimizerStep(1, learningRate: 0.1, gradientScale: 1))
    for tensor in ToyRegression.table.tensors {
      let expected: Float = tensor.role == .gain ? 1 : 0.95
      #expect(tensor.range.allSatisfy { abs(parameters.base[$0] - expected) < 1e-6 }, "\(tensor.name)")
    }
  }

  /// A rule that needs whole matrices, and keeps other things of them than of the rest.
  @Test func wholeMatricesHaveOneOwner() throws {
    let (rule, table) = (RowScaling(), ToyRegression.table)
    let whole = parameters([[0..<Self.count]], rule)
    let matrices = table.tensors.filter { $0.role == .hiddenMatrix }.map(\.range)
    for (ranks, nodes) in [(1, 1), (2, 1), (3, 1), (4, 2), (8, 1)] {
      for stage in Sharding.stages {
        let sharding = try sharding(stage, NodeMap(ranks: ranks, nodes: nodes), rule)
        let slices = (0..<ranks).flatMap(sharding.table.slices(ofRank:))
        #expect(slices.reduce(0) { $0 + $1.count } == Self.count)
        for slice in slices {
          for cut in [slice.lowerBound, slice.upperBound] {
            #expect(matrices.allSatisfy { cut <= $0.lowerBound || cut >= $0.upperBound }, "stage \(stage)")
          }
        }
        if nodes == 1 {
          #expect(parameters((0..<ranks).map(sharding.updatedRanges(ofRank:)), rule) == whole)
        }
      }
    }
    let sections = StateSection.all(of: rule, table)
    #expect(sections.map(\.name) == ["momentum", "row_norm"])
    #expect(sections[0].count == Self.count - matrices.reduce(0) { $0 + $1.count })
    #expect(sections[1].count == 20 + 20 + 10)
  }

  /// The rank with the most work has little more than its part, or one matrix.
  @Test func matricesAreSharedOutByCost() throws {
    var configuration = Configuration()
    (configuration.model.width, configuration.model.layers) = (384, 6)
    configuration.training.optimizer = .muon
    let (rule, table) = (configuration.training.optimizerRule, TensorTable(configuration.model))
    let total = table.tensors.reduce(0) { $0 + rule.cost(of: $1) }
    let largest = table.tensors.map(rule.cost).max()!
    for ranks in [1, 2, 3, 4, 8, 16] {
      for stage in Sharding.stages {
        let sharding = try Sharding(
          stage: stage, nodes: NodeMap(ranks: ranks, nodes: 1), table, rule, microBatches: ranks)
        let costs = (0..<ranks).map { rank in
          table.tensors.reduce(0) { sum, tensor in
            let owned = sharding.updatedRanges(ofRank: rank).map { $0.clamped(to: tensor.range).count }
            return sum + rule.cost(of: tensor) * Double(owned.reduce(0, +)) / Double(tensor.range.count)
          }
        }
        #expect(costs.max()! < total / Double(ranks) + 1.3 * largest, "\(ranks) ranks, stage \(stage)")
      }
    }
  }
}

/// Of hidden matrices the largest gradient of each row so far, by which the row is scaled; of all else a momentum.
private struct RowScaling: OptimizerRule {
  func state(of tensor: Tensor) -> [StateTensor] {
    tensor.role == .hiddenMatrix
      ? [StateTensor("row_norm", [tensor.shape[0]])] : [StateTensor("momentum", tensor.shape)]
  }

  func needsWhole(_ tensor: Tensor) -> Bool { tensor.role == .hiddenMatrix }

  func update(_ part: TensorPart, at step: OptimizerStep, with resources: UpdateResources) {
    let (parameters, rate) = (part.parameters.base, Float(step.learningRate))
    guard part.tensor.role == .hiddenMatrix else {
      for index in 0..<part.parameters.count {
        part.state[0][index] = 0.9 * part.state[0][index] + part.gradient[index]
        parameters[index] -= rate * part.state[0][index]
      }
      return
    }
    let columns = part.tensor.shape[1]
    for row in 0..<part.tensor.shape[0] {
      let places = row * columns..<(row + 1) * columns
      part.state[0][row] = places.reduce(part.state[0][row]) { max($0, abs(part.gradient[$1])) }
      for index in places { parameters[index] -= rate * part.gradient[index] / part.state[0][row] }
    }
  }
}
