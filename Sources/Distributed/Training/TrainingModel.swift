import HATCore

/// What the trainer needs of a model: parameters in one flat buffer, and a loss with its gradient.
public protocol TrainingModel: AnyObject {
  /// What a gradient is computed of at once.
  associatedtype MicroBatch

  /// The layout of the flat buffer, without gaps.
  var tensors: [ParameterTensor] { get }

  /// Fills a range of the flat buffer with the values a run starts from: a function of the seed alone.
  func initialize(_ range: Range<Int>, of parameters: UnsafeMutablePointer<Float>, seed: UInt64)

  /// The loss summed over target positions; `gradient` is overwritten with the gradient of that sum.
  func lossAndGradient(
    _ batch: MicroBatch, parameters: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>
  ) -> LossSum

  func loss(_ batch: MicroBatch, parameters: UnsafePointer<Float>) -> LossSum

  /// Floating-point operations of `lossAndGradient` by the plain algorithm (design/performance.md, "Counting").
  func trainingFLOPs(_ batch: MicroBatch) -> Double
}
