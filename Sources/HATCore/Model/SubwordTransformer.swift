import HATKernels
import HATText

/// The baseline the hierarchical model is compared with (docs/subword.md): a Llama-style model over tokens, made of the
/// same backbone between an embedding and a head that do not share their weights.
///
/// Legend: T tokens, `D` width, V vocabulary.
public final class SubwordTransformer: LanguageModel {
  public let model: ModelConfiguration
  public let execution: Execution
  public let profile = StepProfile()

  private let tensors: SubwordTensors
  private let arena: Arena
  /// Of the tokens that the backbone reads.
  private let ngrams: NgramRows
  private let backbone: Backbone
  private let kernels: ModelKernels
  private let head: TokenHead

  public var table: TensorTable { tensors.table }

  /// - Parameter execution: how much memory batches may need; it is taken as they first need it.
  public convenience init(_ model: ModelConfiguration, _ execution: Execution) {
    self.init(planning: model, execution)
    arena.allocate(reserving: true)
  }

  /// Plans everything and allocates nothing.
  private init(planning model: ModelConfiguration, _ execution: Execution) {
    self.model = model
    self.execution = execution
    tensors = SubwordTensors(model)
    arena = Arena()
    let tokens = execution.capacity.positions
    let use = StackUse(
      shape: model.backbone, routine: .documents, rows: tokens,
      longestSegment: execution.capacity.piecePositions, recomputesBlocks: execution.recomputation == .blocks,
      roundsActivations: execution.arithmetic.precision == .bf16)
    kernels = ModelKernels(execution, profile: profile)
    ngrams = NgramRows(tensors.tokenNgrams, rows: tokens)
    backbone = Backbone(
      use, tensors: tensors.backbone,
      scratch: StackScratch(for: [use], arena: arena, threads: execution.workers.threads), arena: arena,
      kernels: kernels)
    head = TokenHead(
      tensors.head, tokens: tokens, arena: arena, kernels: kernels)
  }

  /// Floats of the arena that a batch as large as the capacity needs.
  public static func activationFloats(_ model: ModelConfiguration, _ execution: Execution) -> Int {
    SubwordTransformer(planning: model, execution).arena.count
  }

  public func lossAndGradient<Memory: ModelMemory>(
    _ batch: TokenBatch, _ memory: Memory
  ) throws(Memory.Failure) -> LossSum {
    memory.frontGradients.fillZero()
    memory.backGradients.fillZero()
    try predict(batch, memory)
    let sum = profile.during(.decoder) {
      var preference: PreferenceLoss?
      if !batch.pairs.isEmpty {
        _ = head.loss(batch, predictive: backbone.output, parameters: memory)
        preference = preferenceLoss(batch)
      }
      var sum = head.lossAndGradient(
        batch, predictive: backbone.output, predictiveGradient: backbone.outputGradient, memory: memory,
        preference: preference)
      preference?.add(to: &sum)
      return sum
    }
    let inputGradient = try profile.during(.backboneBackward) { () throws(Memory.Failure) in
      try backbone.backward(memory)
    }
    profile.during(.encoderBackward) {
      Vector.scatterAddRows(
        inputGradient, indices: batch.inputs, to: memory.frontGradients[tensors.tokenEmbedding])
      ngrams.addGradient(inputGradient, to: memory.frontGradients, kernels)
    }
    return sum
  }

  public func loss<Parameters: ModelParameters>(
    _ batch: TokenBatch, _ parameters: Parameters
  ) throws(Parameters.Failure) -> LossSum {
    var sum = try likelihood(batch, parameters)
    if !batch.pairs.isEmpty { preferenceLoss(batch).add(to: &sum) }
    return sum
  }

  /// What is known of a batch without the reference of its preference pairs.
  func likelihood<Parameters: ModelParameters>(
    _ batch: TokenBatch, _ parameters: Parameters
  ) throws(Parameters.Failure) -> LossSum {
    try predict(batch, parameters)
    return head.loss(batch, predictive: backbone.output, parameters: parameters)
  }

  public func preferenceMargins<Parameters: ModelParameters>(
    _ batch: TokenBatch, _ parameters: Parameters
  ) throws(Parameters.Failure) -> [Double] {
    _ = try likelihood(batch, parameters)
    let nats = head.natsOfPieces(batch)
    return batch.pairs.indices.map { PreferenceLoss.margin(nats, $0) }
  }

  /// The loss of preference pairs, from the losses of their targets.
  private func preferenceLoss(_ batch: TokenBatch) -> PreferenceLoss {
    PreferenceLoss(batch.pairs, nats: head.natsOfPieces(batch), beta: execution.preferenceBeta)
  }

  /// Nats of each target of the last batch, and whether its arg-max was right. [T]
  var outcomes: (losses: UnsafeBufferPointer<Float>, isRight: UnsafeBufferPointer<Bool>) { head.outcomes }

  /// [V], of one target of the last batch; valid until the next call.
  func logits(ofTarget target: Int, _ weights: ModelWeights) -> UnsafeBufferPointer<Float> {
    head.logits(predictive: backbone.output.rows(target..<target + 1), weights.back)
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
      Vector.gatherRows(parameters.front[tensors.tokenEmbedding], indices: batch.inputs, into: backbone.input)
      ngrams.removeAll()
      for piece in 0..<batch.pieceCount { ngrams.append(batch.inputs[batch.tokenRange(ofPiece: piece)]) }
      ngrams.add(parameters.front, to: backbone.input, kernels)
    }
    try profile.during(.backboneForward) { () throws(Parameters.Failure) in try backbone.forward(parameters) }
  }
}

/// The baseline's closing matrix and loss: logits = head · h of each token, and the cross-entropy of the next.
///
/// Runs over a tile of rows at a time, forward, loss and backward in one visit: the logits of a micro-batch never
/// exist at once, and those of targets that do not count never. Legend: T tokens, `D` width, V vocabulary.
final class TokenHead {
  /// Rows of a tile: enough for the products to reach their speed, few enough for the logits to stay in cache.
  private static let tileRows = 128

  /// [V, D]
  private let head: MatrixPlace
  private let arena: Arena
  private let kernels: ModelKernels
  /// [tile rows, V]
  private let logits: ArenaMatrix
  private let packedHead: ArenaPlace
  /// [T]: nats, and whether the arg-max was right, of the last batch.
  private let losses: FixedList<Float>
  private let correct: FixedList<Bool>

  init(_ head: MatrixPlace, tokens: Int, arena: Arena, kernels: ModelKernels) {
    (self.head, self.arena, self.kernels) = (head, arena, kernels)
    logits = arena.reserve(rows: Self.tileRows, columns: head.rows)
    packedHead = arena.reserve(PackedMatrix.floats(columns: head.rows, terms: head.columns))
    losses = FixedList(capacity: tokens)
    correct = FixedList(capacity: tokens)
  }

  /// - Parameter predictive: [T, D], h.
  func loss(_ batch: TokenBatch, predictive: MatrixView, parameters: some ModelParameters) -> LossSum {
    forEachTile(batch, predictive, parameters.back) { _, tile in kernels.loss(tile) }
    return sum(batch)
  }

  /// - Parameters:
  ///   - predictive: [T, D], h.
  ///   - predictiveGradient: [T, D], overwritten.
  ///   - memory: this adds to its gradients.
  ///   - preference: the loss by which to differentiate; nil for the sum of all targets' losses.
  func lossAndGradient(
    _ batch: TokenBatch, predictive: MatrixView, predictiveGradient: MatrixView, memory: some ModelMemory,
    preference: PreferenceLoss?
  ) -> LossSum {
    let (weight, gradient) = (memory.back[head], memory.backGradients[head])
    if !batch.counts.isEmpty { predictiveGradient.fillZero() }
    forEachTile(batch, predictive, memory.back) { rows, tile in
      kernels.lossAndGradient(tile)
      if let preference { Self.scale(tile.logits, rows, of: batch, by: preference) }
      kernels.addWeightGradient(tile.logits, input: predictive.rows(rows), to: gradient)
      kernels.inputGradient(tile.logits, weight: weight, into: predictiveGradient.rows(rows))
    }
    return sum(batch)
  }

  /// Of the targets of the last batch that count. [P]
  func natsOfPieces(_ batch: TokenBatch) -> [Double] {
    (0..<batch.pieceCount).map { piece in
      batch.tokenRange(ofPiece: piece).reduce(0) { $0 + Double(losses.base[$1]) }
    }
  }

  private static func scale(
    _ logitGradient: MatrixView, _ rows: Range<Int>, of batch: TokenBatch, by preference: PreferenceLoss
  ) {
    for piece in 0..<batch.pieceCount {
      let inPiece = rows.clamped(to: batch.tokenRange(ofPiece: piece))
      if inPiece.isEmpty { continue }
      let part = logitGradient.rows(
        inPiece.lowerBound - rows.lowerBound..<inPiece.upperBound - rows.lowerBound)
      Vector.scale(part.base, by: preference.slope(ofPiece: piece), count: part.rows * part.columns)
    }
  }

  /// Nats of each target of the last batch, and whether its arg-max was right: 0 and false where it does not count. [T]
  var outcomes: (losses: UnsafeBufferPointer<Float>, isRight: UnsafeBufferPointer<Bool>) {
    (
      UnsafeBufferPointer(start: losses.base, count: losses.count),
      UnsafeBufferPointer(start: correct.base, count: correct.count)
    )
  }

  /// [V], of one row of h; valid until the next call.
  func logits(predictive: MatrixView, _ weights: Weights) -> UnsafeBufferPointer<Float> {
    let logits = arena.view(logits, rows: 1)
    kernels.linear(predictive, weight: weights[head], into: logits)
    return UnsafeBufferPointer(start: logits.base, count: head.rows)
  }

  /// Computes the logits of a tile and calls `body`, tile by tile.
  private func forEachTile(
    _ batch: TokenBatch, _ predictive: MatrixView, _ weights: Weights,
    _ body: (_ rows: Range<Int>, _ tile: LossRows) -> Void
  ) {
    losses.refill(count: batch.tokenCount, with: 0)
    correct.refill(count: batch.tokenCount, with: false)
    let weight = weights[head]
    let packed = PackedMatrix(arena.floats(packedHead), columns: head.rows, terms: head.columns)
    kernels.rows(head.rows, columns: head.columns) {
      _ = PackedMatrix(transposing: weight, into: arena.floats(packedHead))
    }
    batch.targets.withUnsafeBufferPointer { targets in
      var end = 0
      while let rows = batch.nextCounted(from: end, atMost: Self.tileRows) {
        let start = rows.lowerBound
        end = rows.upperBound
        let logits = arena.view(logits, rows: rows.count)
        kernels.linear(predictive.rows(rows), weight: LinearWeight(weight, packed: packed), into: logits)
        body(
          rows,
          LossRows(
            logits: logits, targets: targets.baseAddress! + start, losses: losses.base + start,
            correct: correct.base + start))
      }
    }
  }

  private func sum(_ batch: TokenBatch) -> LossSum {
    var sum = LossSum()
    for piece in 0..<batch.pieceCount where batch.pairs.isEmpty || piece % 2 == 0 {
      for token in batch.tokenRange(ofPiece: piece) where batch.isCounted(token) {
        sum.targetPositions += 1
        sum.nats += Double(losses.base[token])
      }
    }
    sum.textBytes = batch.textBytes
    sum.words = batch.words.count
    for word in batch.words where word.allSatisfy({ correct.base[Int($0)] }) { sum.correctWords += 1 }
    return sum
  }
}
