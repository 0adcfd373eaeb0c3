import HATKernels
import TestSupport

@testable import HATCore

/// One tensor with what a rule keeps of it, updated step by step.
final class RuleSubject {
  let tensor: Tensor
  let parameters: FloatBuffer
  private let rule: any OptimizerRule
  private let gradient: FloatBuffer
  private let state: [FloatBuffer]
  private let scratch: FloatBuffer
  private let workers: WorkerPool

  init(_ tensor: Tensor, _ training: TrainingConfiguration, threads: Int = 1) {
    self.tensor = tensor
    rule = training.optimizerRule
    parameters = FloatBuffer(zeroed: tensor.range.count)
    gradient = FloatBuffer(zeroed: tensor.range.count)
    state = rule.state(of: tensor).map { FloatBuffer(zeroed: $0.shape.reduce(1, *)) }
    scratch = FloatBuffer(zeroed: rule.scratchFloats(for: tensor))
    workers = WorkerPool(threads: threads)
    ParameterInitializer(TensorTable([tensor]), seed: 7).fill(FlatSlice(parameters))
  }

  func update(
    _ step: Int, _ gradient: [Float], rate: Double, scale: Double = 0.5, marks: RowMarks? = nil
  ) {
    for (index, value) in gradient.enumerated() { self.gradient.base[index] = value }
    rule.update(
      TensorPart(
        tensor, parameters: FlatSlice(parameters), gradient: self.gradient.base, state: state.map(\.base),
        marks: marks),
      at: OptimizerStep(step, learningRate: rate, gradientScale: scale),
      with: UpdateResources(workers: workers, arithmetic: .fusedMultiplyAdds, scratch: scratch.base))
  }

  var values: [Double] { parameters.elements.map(Double.init) }
  var bits: [UInt32] { parameters.elements.map(\.bitPattern) }

  static func tensor(_ shape: [Int], _ role: TensorRole, _ name: String = "matrix") -> Tensor {
    Tensor(
      name: name, shape: shape, role: role, unit: .front, initialValues: .normal(deviation: 0.02), start: 0)
  }

  static func gradient(_ count: Int, step: Int) -> [Float] {
    var generator = OracleGenerator(seed: UInt64(step))
    return (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
  }
}
