import HATKernels
import HATText

/// The baseline the hierarchical model is compared with (docs/subword.md): a Llama-style model over tokens, made of the
/// same backbone between an embedding and a head that do not share their weights.
///
/// Legend: T tokens, `D` width, V vocabulary.
public final class SubwordTransformer: LanguageModel {
  public let model: ModelConfiguration
  public let layout: ParameterLayout
  public let profile = StepProfile()

  private let offsets: SubwordLayout
  private let arena: Arena
  private let backbone: Backbone
  private let head: TokenHead

  /// - Parameters:
  ///   - capacity: the largest batch there will be. Memory is taken as batches first need it.
  ///   - threads: to compute with; results are the same for any number.
  ///   - arithmetic: of its matrix products.
  public convenience init(
    _ model: ModelConfiguration, capacity: TokenCapacity, threads: Int = 1,
    arithmetic: ProductArithmetic = .fusedMultiplyAdds
  ) {
    self.init(
      planning: model, capacity: capacity, pool: WorkerPool(threads: threads), arithmetic: arithmetic)
    arena.allocate(reserving: true)
  }

  /// Plans everything and allocates nothing.
  private init(
    planning model: ModelConfiguration, capacity: TokenCapacity, pool: WorkerPool = WorkerPool(threads: 1),
    arithmetic: ProductArithmetic = .fusedMultiplyAdds
  ) {
    self.model = model
    offsets = SubwordLayout(model)
    layout = offsets.flat
    arena = Arena()
    let use = StackUse(
      shape: model.backbone, routine: .documents, rows: capacity.tokens, longestSegment: capacity.pieceTokens,
      recomputesBlocks: capacity.recomputation == .blocks)
    let kernels = ModelKernels(profile: profile, pool: pool, arithmetic: arithmetic)
    backbone = Backbone(
      use, offsets: offsets.backbone, blocks: layout.blocks,
      scratch: StackScratch(for: [use], arena: arena, threads: pool.threads), arena: arena, kernels: kernels)
    head = TokenHead(model, layout: offsets, tokens: capacity.tokens, arena: arena, kernels: kernels)
  }

  /// Floats of the arena that a batch as large as `capacity` needs.
  public static func activationFloats(_ model: ModelConfiguration, capacity: TokenCapacity) -> Int {
    SubwordTransformer(planning: model, capacity: capacity).arena.count
  }

  public func lossAndGradient<Memory: ModelMemory>(
    _ batch: TokenBatch, _ memory: Memory
  ) throws(Memory.Failure) -> LossSum {
    clearGradient(memory)
    try predict(batch, memory)
    let sum = profile.during(.decoder) {
      head.lossAndGradient(
        batch, predictive: backbone.output, predictiveGradient: backbone.outputGradient, memory: memory)
    }
    let inputGradient = try profile.during(.backboneBackward) { () throws(Memory.Failure) in
      try backbone.backward(memory)
    }
    profile.during(.encoderBackward) {
      Vector.scatterAddRows(
        inputGradient, indices: batch.inputs, to: embedding(memory.frontGradient))
    }
    return sum
  }

  public func loss<Parameters: ModelParameters>(
    _ batch: TokenBatch, _ parameters: Parameters
  ) throws(Parameters.Failure) -> LossSum {
    try predict(batch, parameters)
    return head.loss(batch, predictive: backbone.output, parameters: parameters)
  }

  /// Nats of each target of the last batch, and whether its arg-max was right. [T]
  var outcomes: (losses: UnsafeBufferPointer<Float>, isRight: UnsafeBufferPointer<Bool>) { head.outcomes }

  /// [V], of one target of the last batch; valid until the next call.
  func logits(ofTarget target: Int, parameters: UnsafePointer<Float>) -> UnsafeBufferPointer<Float> {
    head.logits(predictive: backbone.output.rows(target..<target + 1), FlatParameters(parameters))
  }

  public func trainingFLOPs(_ batch: TokenBatch) -> Double {
    ModelCost.trainingPasses * SubwordCost(model).forward(batch)
  }

  /// From tokens to predictive embeddings.
  private func predict<Parameters: ModelParameters>(
    _ batch: TokenBatch, _ parameters: Parameters
  ) throws(Parameters.Failure) {
    backbone.setSegments(batch.pieceCount) { batch.tokenRange(ofPiece: $0).count }
    profile.during(.encoderForward) {
      Vector.gatherRows(
        embedding(FloatPointer(mutating: parameters.frontParameters)), indices: batch.inputs,
        into: backbone.input)
    }
    try profile.during(.backboneForward) { () throws(Parameters.Failure) in
      try backbone.forward(parameters)
    }
  }

  /// [V, D] in a buffer of the layout.
  private func embedding(_ buffer: FloatPointer) -> MatrixView {
    MatrixView(buffer + offsets.tokenEmbedding, rows: model.vocabulary, columns: model.width)
  }
}
