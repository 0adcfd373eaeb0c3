import HATKernels
import HATText

/// The whole model (model.md §3–5; paper §2): encoder, backbone, decoder and loss, forward and backward.
///
/// A step is: encoder tiles, backbone forward, decoder tiles forward and backward, backbone backward, encoder
/// tiles backward. Activations live in one arena planned at creation; parameters and gradients belong to the
/// caller, as flat buffers of `layout`. One instance serves one thread at a time.
///
/// Legend: W input words (as many target words), U distinct input words, `D` backbone width.
public final class HierarchicalTransformer: LanguageModel {
  public let model: ModelConfiguration
  public let layout: ParameterLayout
  public let capacity: BatchCapacity
  public let profile = StepProfile()

  private let arena: Arena
  private let encoder: WordEncoder
  private let backbone: Backbone
  private let decoder: WordDecoder
  private let inputs: DistinctWords
  private let targets: WordList
  /// [U, D], embeddings of the distinct words; later their gradient.
  private let distinctEmbeddings: ArenaMatrix

  /// - Parameters:
  ///   - capacity: the largest batch there will be; it sizes the arena.
  ///   - threads: to compute with; results are the same for any number.
  ///   - arithmetic: of its matrix products.
  public convenience init(
    _ model: ModelConfiguration, capacity: BatchCapacity, threads: Int = 1,
    arithmetic: ProductArithmetic = .fusedMultiplyAdds
  ) {
    self.init(
      planning: model, capacity: capacity, pool: WorkerPool(threads: threads), arithmetic: arithmetic)
    arena.allocate()
  }

  /// Plans everything and allocates nothing.
  private init(
    planning model: ModelConfiguration, capacity: BatchCapacity, pool: WorkerPool = WorkerPool(threads: 1),
    arithmetic: ProductArithmetic = .fusedMultiplyAdds
  ) {
    self.model = model
    self.capacity = capacity
    let offsets = HierarchicalLayout(model)
    layout = offsets.flat
    arena = Arena()
    let tileRows = WordTiling.rows(model, longestWord: capacity.wordBytes)
    let encoderUse = StackUse(
      shape: model.encoder, routine: .words, rows: tileRows, longestSegment: capacity.wordBytes + 1,
      givesLeadingRows: true)
    let decoderUse = StackUse(
      shape: model.decoder, routine: .words, rows: tileRows, longestSegment: capacity.wordBytes + 1)
    let backboneUse = StackUse(
      shape: model.backbone, routine: .documents, rows: capacity.words, longestSegment: capacity.pieceWords,
      recomputesBlocks: capacity.recomputation == .blocks)
    let scratch = StackScratch(
      for: [encoderUse, backboneUse, decoderUse], arena: arena, threads: pool.threads)
    let kernels = ModelKernels(profile: profile, pool: pool, arithmetic: arithmetic)

    encoder = WordEncoder(
      model, layout: offsets, words: capacity.words, use: encoderUse, scratch: scratch, arena: arena,
      kernels: kernels)
    backbone = Backbone(
      backboneUse, offsets: offsets.backbone, blocks: layout.blocks, scratch: scratch, arena: arena,
      kernels: kernels)
    decoder = WordDecoder(
      model, layout: offsets, words: capacity.words, use: decoderUse, scratch: scratch, arena: arena,
      kernels: kernels)
    inputs = DistinctWords(capacity: capacity, tileRows: tileRows)
    targets = WordList(words: capacity.words, wordBytes: capacity.wordBytes, tileRows: tileRows)
    distinctEmbeddings = arena.reserve(rows: capacity.words, columns: model.width)
  }

  /// Floats of the arena such a model would own.
  public static func activationFloats(_ model: ModelConfiguration, capacity: BatchCapacity) -> Int {
    HierarchicalTransformer(planning: model, capacity: capacity).arena.count
  }

  public func lossAndGradient<Memory: ModelMemory>(
    _ batch: Batch, _ memory: Memory
  ) throws(Memory.Failure) -> LossSum {
    clearGradient(memory)
    try predict(batch, memory)
    let sum = profile.during(.decoder) {
      decoder.lossAndGradient(
        targets, of: batch, predictive: backbone.output, predictiveGradient: backbone.outputGradient,
        memory: memory)
    }
    let inputGradient = try profile.during(.backboneBackward) { () throws(Memory.Failure) in
      try backbone.backward(memory)
    }
    profile.during(.encoderBackward) {
      let embeddingGradient = arena.view(distinctEmbeddings, rows: inputs.list.count)
      embeddingGradient.fillZero()
      Vector.scatterAddRows(inputGradient, indices: inputs.ofInput.base, to: embeddingGradient)
      encoder.backward(
        inputs.list, of: batch, embeddingGradient: embeddingGradient, parameters: memory.frontParameters,
        gradient: memory.frontGradient)
    }
    return sum
  }

  public func loss<Parameters: ModelParameters>(
    _ batch: Batch, _ parameters: Parameters
  ) throws(Parameters.Failure) -> LossSum {
    try predict(batch, parameters)
    return decoder.loss(targets, of: batch, predictive: backbone.output, parameters: parameters) { _, _, _ in
    }
  }

  public func trainingFLOPs(_ batch: Batch) -> Double {
    ModelCost.trainingPasses * ModelCost(model).forward(batch)
  }

  /// The loss of a batch, and everything that was predicted on the way.
  package func predictions(_ batch: Batch, parameters: UnsafePointer<Float>) -> Predictions {
    let parameters = FlatParameters(parameters)
    predict(batch, parameters)
    let predictions = Predictions(batch, embeddings: backbone.input, predictive: backbone.output)
    predictions.loss = decoder.loss(
      targets, of: batch, predictive: backbone.output, parameters: parameters
    ) { words, tile, logits in
      predictions.take(logits, of: words, tile)
    }
    return predictions
  }

  /// From a batch to predictive embeddings.
  private func predict<Parameters: ModelParameters>(
    _ batch: borrowing Batch, _ parameters: Parameters
  ) throws(Parameters.Failure) {
    inputs.fill(from: batch)
    fillTargets(from: batch)
    backbone.setSegments(batch.pieceCount) { batch.wordRange(ofPiece: $0).count - 1 }
    let embeddings = arena.view(distinctEmbeddings, rows: inputs.list.count)
    profile.during(.encoderForward) {
      encoder.prepare(parameters.frontParameters)
      encoder.forward(inputs.list, of: batch, into: embeddings, parameters: parameters.frontParameters)
    }
    Vector.gatherRows(embeddings, indices: inputs.ofInput.base, into: backbone.input)
    try profile.during(.backboneForward) { () throws(Parameters.Failure) in
      try backbone.forward(parameters)
    }
  }

  private func fillTargets(from batch: borrowing Batch) {
    targets.batchWords.removeAll()
    for piece in 0..<batch.pieceCount {
      for word in batch.wordRange(ofPiece: piece).dropFirst() { targets.batchWords.append(Int32(word)) }
    }
    targets.arrange(batch)
  }
}
