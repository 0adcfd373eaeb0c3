import HATCore
import HATKernels

/// One gradient sum and parameter update of a model with a single tensor, shared with all ranks: `benchmark scaling`
/// measures it to predict a cluster.
package final class SumAndUpdate {
  private let parameters: ParameterStore
  private let gradients: GradientStore
  private let update: TensorUpdate

  /// Allocates the memory. Collective.
  /// - Parameter count: floats of the gradient.
  package init(count: Int, on communicator: any Communicator) throws {
    let clock = PhaseClock()
    let sharding = try Sharding(
      stage: 1, nodes: communicator.nodes, TensorUpdate.table(count), TensorUpdate.rule,
      microBatches: communicator.size)
    parameters = try ParameterStore(communicator: communicator, sharding: sharding, clock: clock)
    gradients = try GradientStore(
      communicator: communicator, sharding: sharding, format: .float32, clock: clock)
    update = TensorUpdate(
      sharding.updatedRanges(ofRank: communicator.rank), of: parameters.own, gradient: gradients.sum.floats)
  }

  package func run() throws {
    try gradients.accumulate(with: parameters) { _, _ in }
    update.run()
    try parameters.share()
  }
}

/// The optimiser's update of slices of one tensor.
package struct TensorUpdate {
  private let optimizer: ShardedOptimizer

  /// - Parameters:
  ///   - parameters: of which `ranges` exist.
  ///   - gradient: of which `ranges` exist.
  package init(_ ranges: [Range<Int>], of parameters: FloatBuffer, gradient: FloatBuffer) {
    optimizer = ShardedOptimizer(
      Self.rule, Self.table(parameters.count), ranges, parameters: parameters, gradient: gradient)
  }

  package func run() {
    optimizer.update(at: OptimizerStep(1, learningRate: 1e-3, gradientScale: 1))
  }

  fileprivate static var rule: any OptimizerRule { TrainingConfiguration().optimizerRule }

  fileprivate static func table(_ count: Int) -> TensorTable {
    TensorTable([
      Tensor(
        name: "matrix", shape: [count], role: .hiddenMatrix, unit: .front,
        initialValues: .normal(deviation: 1), start: 0)
    ])
  }
}
