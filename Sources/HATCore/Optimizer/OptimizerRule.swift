import Foundation
import HATKernels

/// How an optimiser updates parameters: what it keeps of each tensor between steps, and how it updates a part of one.
///
/// A rule knows tensors and their roles, not ranks. Another optimiser is a type that conforms to this protocol, a case of
/// `OptimizerKind`, and its settings.
public protocol OptimizerRule: Sendable {
  /// What is kept of a tensor between steps, zero at first. A section has the same place in the list of every tensor that
  /// has it.
  func state(of tensor: Tensor) -> [StateTensor]

  /// Whether one rank must update all of the tensor's floats. If not, every section has the tensor's own shape.
  func needsWhole(_ tensor: Tensor) -> Bool

  /// Updates a part of a tensor, and its state, on the threads of `workers`. The result must not depend on the number of
  /// threads or on where parts are cut.
  func update(_ part: TensorPart, at step: OptimizerStep, workers: WorkerPool)
}

/// What a rule keeps of one tensor.
public struct StateTensor: Sendable, Equatable {
  /// The name of the section it belongs to, in snake case.
  public let section: String
  public let shape: [Int]

  public init(_ section: String, _ shape: [Int]) { (self.section, self.shape) = (section, shape) }
}

/// The floats of one tensor that a rank updates, with their gradient and state.
public struct TensorPart {
  public let tensor: Tensor
  public let parameters: FlatSlice
  /// The reduced gradient of these parameters, not yet scaled.
  public let gradient: UnsafePointer<Float>
  /// Their state, in the order of `OptimizerRule.state(of:)`.
  public let state: [FloatPointer]

  public init(_ tensor: Tensor, parameters: FlatSlice, gradient: UnsafePointer<Float>, state: [FloatPointer])
  {
    (self.tensor, self.parameters, self.gradient, self.state) = (tensor, parameters, gradient, state)
  }
}

/// The numbers of one optimiser step, the same for all tensors.
public struct OptimizerStep: Sendable {
  /// Counted from 1.
  public let number: Int
  public let learningRate: Double
  /// Factor on every gradient: clipping times 1 / number of target positions.
  public let gradientScale: Double

  public init(_ number: Int, learningRate: Double, gradientScale: Double) {
    (self.number, self.learningRate, self.gradientScale) = (number, learningRate, gradientScale)
  }
}

extension TrainingConfiguration {
  /// The rule the configuration names.
  public var optimizerRule: any OptimizerRule {
    switch optimizer {
    case .adamw: AdamWRule(self)
    }
  }
}

/// Linear warm-up, then a cosine down to a fraction of the peak (docs/model.md §6; paper appendix B).
public struct LearningRateSchedule: Sendable {
  private let peak: Double
  private let floor: Double
  private let warmupSteps: Int
  private let steps: Int

  public init(_ configuration: Configuration) {
    peak = configuration.peakLearningRate
    floor = configuration.peakLearningRate * configuration.training.minimumLearningRate
    warmupSteps = configuration.training.warmupSteps
    steps = configuration.training.steps
  }

  /// The learning rate of a step, counted from 1.
  public func learningRate(atStep step: Int) -> Double {
    if step <= warmupSteps { return peak * Double(step) / Double(warmupSteps) }
    let progress = Double(step - warmupSteps) / Double(max(1, steps - warmupSteps))
    return floor + (peak - floor) * 0.5 * (1 + cos(.pi * min(1, progress)))
  }
}
