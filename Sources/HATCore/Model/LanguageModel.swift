import HATKernels

/// A model as training sees it: a loss, and its gradient, of micro-batches of some kind. One instance serves one thread at a
/// time.
public protocol LanguageModel: AnyObject {
  associatedtype MicroBatch

  var layout: ParameterLayout { get }
  /// Where the time goes, for who asks.
  var profile: StepProfile { get }

  /// The loss of a batch, and its gradient, with parameters and gradients that need not be all there at once: the
  /// gradient of `memory` is overwritten with that of the *sum* over target positions (model.md §5).
  /// - Throws: what `memory` throws.
  func lossAndGradient<Memory: ModelMemory>(
    _ batch: MicroBatch, _ memory: Memory
  ) throws(Memory.Failure) -> LossSum

  /// The loss of a batch.
  /// - Throws: what `parameters` throw.
  func loss<Parameters: ModelParameters>(
    _ batch: MicroBatch, _ parameters: Parameters
  ) throws(Parameters.Failure) -> LossSum

  /// Floating-point operations of `lossAndGradient` by the plain algorithm (design/performance.md, "Counting").
  func trainingFLOPs(_ batch: MicroBatch) -> Double
}

extension LanguageModel {
  /// The loss of a batch, and its gradient.
  /// - Parameters:
  ///   - parameters: [layout.count]
  ///   - gradient: [layout.count]; overwritten with the gradient of the *sum* over target positions: whoever
  ///     sums several batches divides by their global number of positions once (model.md §5).
  public func lossAndGradient(
    _ batch: MicroBatch, parameters: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>
  ) -> LossSum {
    lossAndGradient(batch, FlatMemory(parameters: parameters, gradient: gradient))
  }

  /// The loss of a batch.
  public func loss(_ batch: MicroBatch, parameters: UnsafePointer<Float>) -> LossSum {
    loss(batch, FlatParameters(parameters))
  }

  /// Before and behind the blocks, of which the backbone clears each when its turn comes.
  func clearGradient(_ memory: some ModelMemory) {
    memory.frontGradient.update(repeating: 0, count: layout.front.count)
    (memory.backGradient + layout.back.lowerBound).update(repeating: 0, count: layout.back.count)
  }
}
