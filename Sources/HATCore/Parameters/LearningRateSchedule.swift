import Foundation

/// Linear warm-up, then a cosine down to a fraction of the peak (paper appendix B).
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
