import HATKernels
import HATText

/// The whole model (docs/model.md §3–5; paper §2): encoder, backbone, decoder and loss, forward and backward.
///
/// A step is: encoder tiles, backbone forward, decoder tiles forward and backward, backbone backward, encoder
/// tiles backward. Activations live in one arena planned at creation; parameters and gradients belong to the
/// caller, laid out by `table`. One instance serves one thread at a time.
///
/// Legend: W input words (as many target words), U distinct input words, `D` backbone width.
public final class HierarchicalTransformer: LanguageModel {
  public let model: ModelConfiguration
  public let execution: Execution
  public let profile = StepProfile()

  private let tensors: HierarchicalTensors
  private let arena: Arena
  private let encoder: WordEncoder
  private let backbone: Backbone
  private let decoder: WordDecoder
  private let inputs: DistinctWords
  private let targets: TargetWords
  /// [P], nats of the pieces of preference pairs.
  private var pieceNats: [Double] = []
  /// [U, D], embeddings of the distinct words; later their gradient.
  private let distinctEmbeddings: ArenaMatrix

  public var table: TensorTable { tensors.table }

  /// - Parameter reserving: whether memory is taken as batches first need it, and not before the first.
  public convenience init(_ model: ModelConfiguration, _ execution: Execution, reserving: Bool = false) {
    self.init(planning: model, execution)
    arena.allocate(reserving: reserving)
  }

  /// Plans everything and allocates nothing.
  private init(planning model: ModelConfiguration, _ execution: Execution) {
    self.model = model
    self.execution = execution
    tensors = HierarchicalTensors(model)
    arena = Arena()
    let capacity = execution.capacity
    let tileRows = WordTiling.rows(model, longestWord: capacity.wordBytes)
    let encoderUse = StackUse(
      shape: model.encoder, routine: .words, rows: tileRows, longestSegment: capacity.wordBytes + 1,
      givesLeadingRows: true)
    let decoderUse = StackUse(
      shape: model.decoder, routine: .words, rows: tileRows, longestSegment: capacity.wordBytes + 1)
    let backboneUse = StackUse(
      shape: model.backbone, routine: .documents, rows: capacity.positions,
      longestSegment: capacity.piecePositions, recomputesBlocks: execution.recomputation == .blocks,
      roundsActivations: execution.arithmetic.precision == .bf16)
    let scratch = StackScratch(
      for: [encoderUse, backboneUse, decoderUse], arena: arena, threads: execution.workers.threads)
    let kernels = ModelKernels(execution, profile: profile)

    encoder = WordEncoder(
      tensors, words: capacity.positions, use: encoderUse, scratch: scratch, arena: arena, kernels: kernels)
    backbone = Backbone(
      backboneUse, tensors: tensors.backbone, scratch: scratch, arena: arena, kernels: kernels)
    decoder = WordDecoder(
      tensors, words: capacity.positions, use: decoderUse, scratch: scratch,
      arena: arena, kernels: kernels)
    inputs = DistinctWords(capacity: capacity, tileRows: tileRows)
    targets = TargetWords(capacity: capacity, tileRows: tileRows)
    distinctEmbeddings = arena.reserve(rows: capacity.positions, columns: model.width)
  }

  /// Floats of the arena that such a model owns.
  public static func activationFloats(_ model: ModelConfiguration, _ execution: Execution) -> Int {
    HierarchicalTransformer(planning: model, execution).arena.count
  }

  public func lossAndGradient<Memory: ModelMemory>(
    _ batch: Batch, _ memory: Memory
  ) throws(Memory.Failure) -> LossSum {
    memory.frontGradients.fillZero()
    memory.backGradients.fillZero()
    try predict(batch, memory)
    let sum = profile.during(.decoder) {
      let preference = preferenceLoss(batch, memory)
      var sum = decoder.lossAndGradient(
        targets, of: batch, predictive: backbone.output, predictiveGradient: backbone.outputGradient,
        memory: memory, preference: preference)
      preference?.add(to: &sum)
      return sum
    }
    let inputGradient = try profile.during(.backboneBackward) { () throws(Memory.Failure) in
      try backbone.backward(memory)
    }
    profile.during(.encoderBackward) {
      let embeddingGradient = arena.view(distinctEmbeddings, rows: inputs.list.count)
      embeddingGradient.fillZero()
      Vector.scatterAddRows(inputGradient, indices: inputs.ofInput.base, to: embeddingGradient)
      encoder.backward(
        inputs.list, of: batch, embeddingGradient: embeddingGradient, memory.front, memory.frontGradients)
    }
    return sum
  }

  public func loss<Parameters: ModelParameters>(
    _ batch: Batch, _ parameters: Parameters
  ) throws(Parameters.Failure) -> LossSum {
    try predict(batch, parameters)
    var sum = findPieceNats(batch, parameters)
    preferenceLoss(batch)?.add(to: &sum)
    return sum
  }

  public func preferenceMargins<Parameters: ModelParameters>(
    _ batch: Batch, _ parameters: Parameters
  ) throws(Parameters.Failure) -> [Double] {
    try predict(batch, parameters)
    _ = findPieceNats(batch, parameters)
    return batch.pairs.indices.map { PreferenceLoss.margin(pieceNats, $0) }
  }

  /// The loss of a batch's preference pairs, before its gradient can be had; nil for one without.
  private func preferenceLoss(_ batch: borrowing Batch, _ parameters: some ModelParameters) -> PreferenceLoss?
  {
    if batch.pairs.isEmpty { return nil }
    _ = findPieceNats(batch, parameters)
    return preferenceLoss(batch)
  }

  /// From the nats of its pieces.
  private func preferenceLoss(_ batch: borrowing Batch) -> PreferenceLoss? {
    batch.pairs.isEmpty
      ? nil : PreferenceLoss(batch.pairs, nats: pieceNats, beta: execution.preferenceBeta)
  }

  /// Finds the nats of each piece, if the batch has preference pairs.
  /// - Returns: the sum over target positions.
  private func findPieceNats(_ batch: borrowing Batch, _ parameters: some ModelParameters) -> LossSum {
    pieceNats.removeAll(keepingCapacity: true)
    if !batch.pairs.isEmpty {
      for _ in 0..<batch.pieceCount { pieceNats.append(0) }
    }
    return decoder.loss(targets, of: batch, predictive: backbone.output, parameters: parameters) {
      words, tile, _ in
      if pieceNats.isEmpty { return }
      for (index, word) in words.enumerated() {
        let piece = Int(targets.pieces.base[Int(word)])
        for row in tile.rows(ofWord: index) { pieceNats[piece] += Double(tile.losses.base[row]) }
      }
    }
  }

  public func trainingFLOPs(_ batch: Batch) -> Double {
    ModelCost.trainingPasses * ModelCost(model).forward(batch)
  }

  /// The loss of a batch, and everything that was predicted on the way.
  package func predictions(_ batch: Batch, _ weights: ModelWeights) -> Predictions {
    predict(batch, weights)
    let predictions = Predictions(batch, embeddings: backbone.input, predictive: backbone.output)
    predictions.loss = decoder.loss(
      targets, of: batch, predictive: backbone.output, parameters: weights
    ) { words, tile, logits in
      predictions.take(logits, of: words, targets, tile)
    }
    return predictions
  }

  /// From a batch to predictive embeddings.
  private func predict<Parameters: ModelParameters>(
    _ batch: borrowing Batch, _ parameters: Parameters
  ) throws(Parameters.Failure) {
    inputs.fill(from: batch)
    targets.fill(from: batch)
    backbone.setSegments(batch.pieceCount) { batch.wordRange(ofPiece: $0).count - 1 }
    let embeddings = arena.view(distinctEmbeddings, rows: inputs.list.count)
    profile.during(.encoderForward) {
      encoder.prepare(parameters.front)
      encoder.forward(inputs.list, of: batch, into: embeddings, parameters.front)
    }
    Vector.gatherRows(embeddings, indices: inputs.ofInput.base, into: backbone.input)
    try profile.during(.backboneForward) { () throws(Parameters.Failure) in try backbone.forward(parameters) }
  }
}
