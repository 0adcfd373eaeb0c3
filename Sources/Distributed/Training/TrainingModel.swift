import HATCore

/// What the trainer needs of a model: parameters in one flat buffer, and a loss with its gradient.
public protocol TrainingModel: AnyObject {
  /// What a gradient is computed of at once.
  associatedtype MicroBatch

  /// The layout of the flat buffer, without gaps.
  var tensors: [ParameterTensor] { get }

  /// What is used one at a time, behind each other in the flat buffer: the blocks of `ModelMemory`.
  var blocks: [Range<Int>] { get }

  /// Fills ranges of the flat buffer with the values a run starts from: the same whoever asks for which ranges.
  func initialize(_ ranges: [Range<Int>], of parameters: UnsafeMutablePointer<Float>, seed: UInt64) throws

  /// The loss summed over target positions; the gradient of `memory` is overwritten with the gradient of that sum.
  func lossAndGradient<Memory: ModelMemory>(
    _ batch: MicroBatch, _ memory: Memory
  ) throws(Memory.Failure) -> LossSum

  func loss<Parameters: ModelParameters>(
    _ batch: MicroBatch, _ parameters: Parameters
  ) throws(Parameters.Failure) -> LossSum

  /// Floating-point operations of `lossAndGradient` by the plain algorithm (design/performance.md, "Counting").
  func trainingFLOPs(_ batch: MicroBatch) -> Double
}
