import HATKernels

/// AdamW (docs/model.md §6; Loshchilov and Hutter, arXiv 1711.05101): two moments of every parameter, weight decay on
/// matrices only. Tables of n-grams have a rule of their own.
public struct AdamWRule: OptimizerRule {
  private let beta1: Double
  private let beta2: Double
  private let epsilon: Double
  private let weightDecay: Double
  private let rates: LearningRateFactors
  private let tables: NgramTableRule

  public init(_ training: TrainingConfiguration) {
    (beta1, beta2, epsilon) = (training.beta1, training.beta2, training.epsilon)
    (weightDecay, rates) = (training.weightDecay, training.rates)
    tables = NgramTableRule(training)
  }

  public func state(of tensor: Tensor) -> [StateTensor] {
    tables.applies(to: tensor)
      ? tables.state(of: tensor)
      : [StateTensor("first_moment", tensor.shape), StateTensor("second_moment", tensor.shape)]
  }

  public func needsWhole(_ tensor: Tensor) -> Bool { tables.applies(to: tensor) }

  public func update(_ part: TensorPart, at step: OptimizerStep, with resources: UpdateResources) {
    if tables.applies(to: part.tensor) { return tables.update(part, at: step, with: resources) }
    resources.sweep(.adamW(part, numbers(of: step, part.tensor)), count: part.parameters.count)
  }

  private func numbers(of step: OptimizerStep, _ tensor: Tensor) -> AdamW.Step {
    AdamW.Step(
      learningRate: Float(step.learningRate * rates.factor(of: tensor)), beta1: Float(beta1),
      beta2: Float(beta2), epsilon: Float(epsilon), weightDecay: tensor.role.decays ? Float(weightDecay) : 0,
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
