import HATKernels

/// Muon (Jordan et al. 2024): the momentum of a hidden matrix is orthogonalised before it is followed. All other tensors
/// follow `AdamWRule`.
///
///     W ← (1 − ηλ)·W − η · 0.2·√max(rows, columns) · orthogonalised((1 − β)·g + β·m)
///
/// The factor gives an update the size of AdamW's, so that its learning rate η and weight decay λ carry over (Liu et al.,
/// "Muon is scalable for LLM training", arXiv 2502.16982, §2.2). Query, key, value, gate and up are tensors of their own,
/// each orthogonalised by itself. A hidden matrix has one momentum as its state.
public struct MuonRule: OptimizerRule {
  private let adamW: AdamWRule
  private let orthogonalizer: Orthogonalizer
  private let momentum: Double
  private let weightDecay: Double
  private let rates: LearningRateFactors

  public init(_ training: TrainingConfiguration) {
    adamW = AdamWRule(training)
    orthogonalizer = Orthogonalizer(training)
    (momentum, weightDecay) = (training.muonMomentum, training.weightDecay)
    rates = training.rates
  }

  public func state(of tensor: Tensor) -> [StateTensor] {
    orthogonalizes(tensor) ? [StateTensor("momentum", tensor.shape)] : adamW.state(of: tensor)
  }

  public func needsWhole(_ tensor: Tensor) -> Bool {
    orthogonalizes(tensor) || adamW.needsWhole(tensor)
  }

  public func cost(of tensor: Tensor) -> Double {
    guard orthogonalizes(tensor) else { return adamW.cost(of: tensor) }
    return adamW.cost(of: tensor) + orthogonalizer.flops(tensor.shape) / Self.flopsOfPass
  }

  /// Floating-point operations of products in the time that a pass takes for one float, about.
  private static let flopsOfPass = 300.0

  public func scratchFloats(for tensor: Tensor) -> Int {
    orthogonalizes(tensor) ? 2 * tensor.range.count + Orthogonalizer.scratchFloats(tensor.shape) : 0
  }

  public func update(_ part: TensorPart, at step: OptimizerStep, with resources: UpdateResources) {
    guard orthogonalizes(part.tensor) else { return adamW.update(part, at: step, with: resources) }
    let (rows, columns) = (part.tensor.shape[0], part.tensor.shape[1])
    let count = rows * columns
    let (update, orthogonal) = (resources.scratch, resources.scratch + count)
    resources.sweep(
      .follow(
        part.gradient, gradientScale: Float(step.gradientScale), decay: Float(momentum),
        momentum: part.state[0], update: update), count: count)
    orthogonalizer.orthogonalize(
      MatrixView(update, rows: rows, columns: columns),
      into: MatrixView(orthogonal, rows: rows, columns: columns), scratch: orthogonal + count, resources)
    let rate = step.learningRate * rates.factor(of: part.tensor)
    resources.sweep(
      .combine(
        part.parameters.base, factor: Float(1 - rate * weightDecay), other: orthogonal,
        otherFactor: Float(-rate * Self.scale(rows: rows, columns: columns))), count: count)
  }

  /// An orthogonalised matrix has elements of about 1/√max(rows, columns); AdamW's steps are about 0.2 of its rate.
  private static func scale(rows: Int, columns: Int) -> Double {
    0.2 * Double(max(rows, columns)).squareRoot()
  }

  private func orthogonalizes(_ tensor: Tensor) -> Bool { tensor.role == .hiddenMatrix }
}
