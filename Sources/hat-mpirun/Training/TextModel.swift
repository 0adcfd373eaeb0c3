import HATCore
import HATDistributed
import HATKernels
import HATStorage
import HATText

/// A language model as the trainer sees it.
final class TextModel<Model: LanguageModel>: TrainingModel {
  let tensors: [ParameterTensor]
  private let model: Model
  private let start: InitialParameters
  var profile: StepProfile { model.profile }
  var blocks: [Range<Int>] { model.layout.blocks }

  init(_ model: Model, start: InitialParameters = .seed) {
    (self.model, self.start) = (model, start)
    tensors = model.layout.tensors
  }

  func initialize(_ ranges: [Range<Int>], of parameters: UnsafeMutablePointer<Float>, seed: UInt64) throws {
    switch start {
    case .seed:
      let initializer = ParameterInitializer(layout: model.layout, seed: seed)
      for range in ranges { initializer.fill(range, of: parameters) }
    case .checkpoint(let reader): try reader.read(.parameters, ranges, of: parameters)
    }
  }

  func lossAndGradient<Memory: ModelMemory>(
    _ batch: Model.MicroBatch, _ memory: Memory
  ) throws(Memory.Failure) -> LossSum {
    try model.lossAndGradient(batch, memory)
  }

  func loss<Parameters: ModelParameters>(
    _ batch: Model.MicroBatch, _ parameters: Parameters
  ) throws(Parameters.Failure) -> LossSum {
    try model.loss(batch, parameters)
  }

  func trainingFLOPs(_ batch: Model.MicroBatch) -> Double { model.trainingFLOPs(batch) }
}

extension TextModel<HierarchicalTransformer> {
  convenience init(
    _ configuration: Configuration, maxWordBytes: Int, threads: Int, arithmetic: ProductArithmetic,
    start: InitialParameters = .seed
  ) {
    self.init(
      HierarchicalTransformer(
        configuration.model, capacity: BatchCapacity(of: configuration, maxWordBytes: maxWordBytes),
        threads: threads, arithmetic: arithmetic),
      start: start)
  }
}

extension TextModel<SubwordTransformer> {
  convenience init(
    _ configuration: Configuration, threads: Int, arithmetic: ProductArithmetic,
    start: InitialParameters = .seed
  ) {
    self.init(
      SubwordTransformer(
        configuration.model,
        capacity: TokenCapacity(of: configuration, sequences: configuration.sequencesPerMicroBatch),
        threads: threads, arithmetic: arithmetic),
      start: start)
  }
}
