import HATCore
import HATDistributed
import HATText

/// The hierarchical transformer as the trainer sees it.
final class TextModel: TrainingModel {
  let tensors: [ParameterTensor]
  private let transformer: HierarchicalTransformer
  private let cost: ModelCost
  var profile: StepProfile { transformer.profile }

  init(_ configuration: Configuration, maxWordBytes: Int, threads: Int = 1) {
    transformer = HierarchicalTransformer(
      configuration.model, capacity: BatchCapacity(of: configuration, maxWordBytes: maxWordBytes),
      threads: threads)
    tensors = transformer.layout.tensors
    cost = ModelCost(configuration.model)
  }

  func initialize(_ range: Range<Int>, of parameters: UnsafeMutablePointer<Float>, seed: UInt64) {
    ParameterInitializer(layout: transformer.layout, seed: seed).fill(range, of: parameters)
  }

  var blocks: [Range<Int>] { transformer.layout.blocks }

  func lossAndGradient<Memory: ModelMemory>(
    _ batch: Batch, _ memory: Memory
  ) throws(Memory.Failure) -> LossSum {
    try transformer.lossAndGradient(batch, memory)
  }

  func loss<Parameters: ModelParameters>(
    _ batch: Batch, _ parameters: Parameters
  ) throws(Parameters.Failure) -> LossSum {
    try transformer.loss(batch, parameters)
  }

  func trainingFLOPs(_ batch: Batch) -> Double {
    ModelCost.trainingPasses * cost.forward(batch)
  }
}
