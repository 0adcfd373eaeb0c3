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

  func lossAndGradient(
    _ batch: Batch, parameters: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>
  ) -> LossSum {
    transformer.lossAndGradient(batch, parameters: parameters, gradient: gradient)
  }

  func loss(_ batch: Batch, parameters: UnsafePointer<Float>) -> LossSum {
    transformer.loss(batch, parameters: parameters)
  }

  func trainingFLOPs(_ batch: Batch) -> Double {
    ModelCost.trainingPasses * cost.forward(batch)
  }
}
