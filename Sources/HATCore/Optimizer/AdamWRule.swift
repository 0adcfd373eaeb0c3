import HATKernels

/// AdamW (docs/model.md §6; Loshchilov and Hutter, arXiv 1711.05101): two moments of every parameter, weight decay on
/// matrices only.
public struct AdamWRule: OptimizerRule {
  private let beta1: Double
  private let beta2: Double
  private let epsilon: Double
  private let weightDecay: Double

  public init(_ training: TrainingConfiguration) {
    (beta1, beta2, epsilon) = (training.beta1, training.beta2, training.epsilon)
    weightDecay = training.weightDecay
  }

  public func state(of tensor: Tensor) -> [StateTensor] {
    [StateTensor("first_moment", tensor.shape), StateTensor("second_moment", tensor.shape)]
  }

  public func needsWhole(_ tensor: Tensor) -> Bool { false }

  public func update(_ part: TensorPart, at step: OptimizerStep, workers: WorkerPool) {
    let work = Work(part: part, step: numbers(of: step, decays: part.tensor.role.decays))
    if part.parameters.count >= Self.leastShared {
      workers.split(part.parameters.count, unit: 1024, work)
    } else {
      work.perform(0..<part.parameters.count, part: 0)
    }
  }

  /// The number of floats from which a second thread is worth waking.
  private static let leastShared = 1 << 15

  private struct Work: PoolWork {
    let part: TensorPart
    let step: AdamW.Step

    func perform(_ range: Range<Int>, part number: Int) {
      let start = range.lowerBound
      AdamW.update(
        parameters: part.parameters.base + start, gradients: part.gradient + start,
        firstMoments: part.state[0] + start, secondMoments: part.state[1] + start, count: range.count,
        step: step)
    }
  }

  private func numbers(of step: OptimizerStep, decays: Bool) -> AdamW.Step {
    AdamW.Step(
      learningRate: Float(step.learningRate), beta1: Float(beta1), beta2: Float(beta2),
      epsilon: Float(epsilon), weightDecay: decays ? Float(weightDecay) : 0,
      gradientScale: Float(step.gradientScale), biasCorrection1: Float(1 - power(beta1, step.number)),
      biasCorrection2: Float(1 - power(beta2, step.number)))
  }

  /// base ^ exponent by products of squares: no library whose rounding may differ.
  private func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, square, rest) = (1.0, base, exponent)
    while rest > 0 {
      if rest & 1 == 1 { result *= square }
      square *= square
      rest >>= 1
    }
    return result
  }
}
