import Foundation

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

/// Factors on the learning rate of some tensors: by their role, and for the byte modules of the hierarchical model.
public struct LearningRateFactors: Sendable, Equatable {
  public var hiddenMatrices = 1.0
  public var embeddings = 1.0
  public var ngramTables = 1.0
  public var head = 1.0
  public var gains = 1.0
  /// Of every tensor of encoder and decoder, beside the factor of its role.
  public var byteModules = 1.0

  public init() {}

  public func factor(of tensor: Tensor) -> Double {
    let ofRole =
      switch tensor.role {
      case .hiddenMatrix: hiddenMatrices
      case .embedding: embeddings
      case .ngramTable: ngramTables
      case .head: head
      case .gain: gains
      }
    let isOfByteModule = ["encoder.", "decoder."].contains { tensor.name.hasPrefix($0) }
    return isOfByteModule ? ofRole * byteModules : ofRole
  }
}
