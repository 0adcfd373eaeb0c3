import CSIMD

/// AdamW: Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019), in
/// PyTorch's order of operations and one sweep over the four buffers.
public enum AdamW {
  /// The numbers of one optimiser step. An optimiser derives them from its settings, the schedule and the step number.
  public struct Step: Sendable {
    public var learningRate: Float
    public var beta1: Float
    public var beta2: Float
    public var epsilon: Float
    public var weightDecay: Float
    /// The factor on every gradient: clipping times 1 / number of targets.
    public var gradientScale: Float
    /// 1 - beta1^t, where t counts steps from 1.
    public var biasCorrection1: Float
    /// 1 - beta2^t.
    public var biasCorrection2: Float

    public init(
      learningRate: Float, beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float,
      gradientScale: Float, biasCorrection1: Float, biasCorrection2: Float
    ) {
      (self.learningRate, self.weightDecay, self.gradientScale) = (learningRate, weightDecay, gradientScale)
      (self.beta1, self.beta2, self.epsilon) = (beta1, beta2, epsilon)
      (self.biasCorrection1, self.biasCorrection2) = (biasCorrection1, biasCorrection2)
    }
  }

  /// p -= learningRate · (m̂ / (sqrt(v̂) + epsilon) + weightDecay · p), where m̂ and v̂ are the moments divided by their bias
  /// corrections. All buffers are [count].
  ///
  /// An element's result depends only on its own four numbers and the step, so ranks and threads may cut slices anywhere.
  public static func update(
    parameters: FloatPointer, gradients: UnsafePointer<Float>, firstMoments: FloatPointer,
    secondMoments: FloatPointer, count: Int, step: Step
  ) {
    let scale = Lanes(repeating: step.gradientScale)
    let (beta1, newWeight1) = (Lanes(repeating: step.beta1), Lanes(repeating: 1 - step.beta1))
    let (beta2, newWeight2) = (Lanes(repeating: step.beta2), Lanes(repeating: 1 - step.beta2))
    let decay = Lanes(repeating: 1 - step.learningRate * step.weightDecay)
    let stepSize = Lanes(repeating: -step.learningRate / step.biasCorrection1)
    let inverseRoot = Lanes(repeating: 1 / step.biasCorrection2.squareRoot())
    let epsilon = Lanes(repeating: step.epsilon)

    LaneLoop.forEach(count) { offset, access in
      let gradient = access.load(gradients + offset) * scale
      let first = access.load(firstMoments + offset).times(beta1, plus: gradient * newWeight1)
      let second = access.load(secondMoments + offset).times(beta2, plus: gradient * gradient * newWeight2)
      let denominator = hat_sqrt(second).times(inverseRoot, plus: epsilon)
      let decayed = access.load(parameters + offset) * decay
      access.store(first, firstMoments + offset)
      access.store(second, secondMoments + offset)
      access.store((first / denominator).times(stepSize, plus: decayed), parameters + offset)
    }
  }
}
