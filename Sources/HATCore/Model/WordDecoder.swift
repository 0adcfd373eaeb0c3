import HATKernels
import HATText

/// The decoder (model.md §4): spells each target word from W_D·h of the word before it, causal inside the word.
///
/// Its loss is local to a word, so that forward pass, loss and backward pass happen in one visit of a tile of
/// words: no activation outlives its tile. Legend: T target words, `d` byte width, `D` backbone width, V = 256.
final class WordDecoder {
  private let stack: TransformerStack
  private let model: ModelConfiguration
  private let layout: HierarchicalLayout
  private let arena: Arena
  private let kernels: ModelKernels
  private let tile: WordTile
  /// [V + T, d]: the bytes, and W_D·h of each target word.
  private let table: RowTable
  /// [tile rows]
  private let inverseRoots: ArenaPlace
  /// [tile rows, d], the normalised output.
  private let decoded: ArenaMatrix
  /// [tile rows, V]
  private let logits: ArenaMatrix
  /// [tile rows, d], the gradient by `decoded`.
  private let decodedGradient: ArenaMatrix
  /// [tile rows, d]
  private let residualGradient: ArenaMatrix

  /// - Parameters:
  ///   - words: of a batch, at most.
  ///   - use: sized for one tile.
  init(
    _ model: ModelConfiguration, layout: HierarchicalLayout, words: Int, use: StackUse, scratch: StackScratch,
    arena: Arena, kernels: ModelKernels
  ) {
    self.model = model
    self.layout = layout
    self.arena = arena
    self.kernels = kernels
    stack = TransformerStack(use, offsets: layout.decoder, scratch: scratch, arena: arena, kernels: kernels)
    tile = WordTile(rows: use.rows)
    let d = model.byteWidth
    table = RowTable(stack, rows: WordTile.byteRows + words, arena: arena)
    inverseRoots = arena.reserve(use.rows)
    decoded = arena.reserve(rows: use.rows, columns: d)
    logits = arena.reserve(rows: use.rows, columns: 256)
    decodedGradient = arena.reserve(rows: use.rows, columns: d)
    residualGradient = arena.reserve(rows: use.rows, columns: d)
  }

  /// The loss of the target words.
  /// - Parameters:
  ///   - predictive: [T, D], h.
  ///   - visit: sees each tile's logits before they are used, with the tile's words as numbers of the list.
  func loss(
    _ list: WordList, of batch: borrowing Batch, predictive: MatrixView, parameters: some ModelParameters,
    visit: (_ words: UnsafeBufferPointer<Int32>, _ tile: WordTile, _ logits: MatrixView) -> Void
  ) -> LossSum {
    let weights = weights(parameters)
    start(list, predictive, weights, parameters.backParameters)
    var sum = LossSum()
    for index in 0..<list.tileCount {
      let words = list.tile(index)
      let logits = runTile(words, of: list, batch, weights, parameters.backParameters)
      visit(words, tile, logits)
      kernels.loss(tile.losses(logits))
      sum.add(tile)
    }
    return sum
  }

  /// The loss of the target words and its gradient.
  /// - Parameters:
  ///   - predictive: [T, D], h.
  ///   - predictiveGradient: [T, D], overwritten.
  ///   - memory: to whose gradients this adds.
  func lossAndGradient(
    _ list: WordList, of batch: borrowing Batch, predictive: MatrixView, predictiveGradient: MatrixView,
    memory: some ModelMemory
  ) -> LossSum {
    let weights = weights(memory)
    let gradients = ModelMatrices(layout, model, front: memory.frontGradient, back: memory.backGradient)
    start(list, predictive, weights, memory.backParameters)
    table.startBackward(tableCount(list))
    var sum = LossSum()
    for index in 0..<list.tileCount {
      let words = list.tile(index)
      let logits = runTile(words, of: list, batch, weights, memory.backParameters)
      kernels.lossAndGradient(tile.losses(logits))
      sum.add(tile)
      differentiateTile(
        logitGradient: logits, weights, gradients, memory.backParameters, memory.backGradient)
    }
    finish(list, predictive, predictiveGradient, weights, gradients, memory)
    return sum
  }

  private func weights(_ parameters: some ModelParameters) -> ModelMatrices {
    ModelMatrices(
      layout, model, front: FloatPointer(mutating: parameters.frontParameters),
      back: FloatPointer(mutating: parameters.backParameters))
  }

  /// What all tiles need: W_D·h of every word, in their table.
  private func start(
    _ list: WordList, _ predictive: MatrixView, _ weights: ModelMatrices, _ parameters: UnsafePointer<Float>
  ) {
    let rows = table.rows(tableCount(list))
    rows.rows(0..<WordTile.byteRows).copy(weights.byteEmbedding)
    kernels.linear(
      predictive, weight: weights.decoderInput, into: rows.rows(WordTile.byteRows..<rows.rows))
    table.prepare(rows.rows, parameters: parameters)
  }

  private func tableCount(_ list: WordList) -> Int { WordTile.byteRows + list.count }

  /// - Returns: the tile's logits.
  private func runTile(
    _ words: UnsafeBufferPointer<Int32>, of list: WordList, _ batch: borrowing Batch,
    _ weights: ModelMatrices, _ parameters: UnsafePointer<Float>
  ) -> MatrixView {
    tile.fillTargets(words, of: list, from: batch)
    stack.forward(tile.rows(of: table), parameters: parameters)
    let decoded = arena.view(decoded, rows: tile.rows)
    kernels.norm(
      stack.output(rows: tile.rows), gain: weights.decoderNorm, into: decoded,
      inverseRoots: arena.floats(inverseRoots))
    let logits = arena.view(logits, rows: tile.rows)
    kernels.linear(decoded, weight: weights.decoderHead, into: logits)
    return logits
  }

  private func differentiateTile(
    logitGradient: MatrixView, _ weights: ModelMatrices,
    _ gradients: ModelMatrices, _ parameters: UnsafePointer<Float>, _ gradient: FloatPointer
  ) {
    let decodedGradient = arena.view(decodedGradient, rows: tile.rows)
    kernels.addWeightGradient(
      logitGradient, input: arena.view(decoded, rows: tile.rows), to: gradients.decoderHead)
    kernels.inputGradient(logitGradient, weight: weights.decoderHead, into: decodedGradient)
    let residual = arena.view(residualGradient, rows: tile.rows)
    residual.fillZero()
    kernels.normBackward(
      stack.output(rows: tile.rows), gain: weights.decoderNorm, inverseRoots: arena.floats(inverseRoots),
      outputGradient: decodedGradient, addInputGradientTo: residual, addGainGradientTo: gradients.decoderNorm)
    stack.backward(
      tile.rows(of: table), residualGradient: residual, parameters: parameters, gradient: gradient)
  }

  /// After the last tile: what all tiles have left to their table.
  private func finish(
    _ list: WordList, _ predictive: MatrixView, _ predictiveGradient: MatrixView, _ weights: ModelMatrices,
    _ gradients: ModelMatrices, _ memory: some ModelMemory
  ) {
    table.finishBackward(tableCount(list), parameters: memory.backParameters, gradient: memory.backGradient)
    let rows = table.gradient(tableCount(list))
    Vector.add(
      rows.base, to: gradients.byteEmbedding.base,
      count: gradients.byteEmbedding.rows * gradients.byteEmbedding.columns)
    let starts = rows.rows(WordTile.byteRows..<rows.rows)
    kernels.addWeightGradient(starts, input: predictive, to: gradients.decoderInput)
    kernels.inputGradient(starts, weight: weights.decoderInput, into: predictiveGradient)
  }
}

extension WordTile {
  fileprivate func losses(_ logits: MatrixView) -> LossRows {
    LossRows(logits: logits, targets: targets.base, losses: losses.base, correct: correct.base)
  }
}

extension LossSum {
  /// Counts a decoder's tile whose losses are known.
  fileprivate mutating func add(_ tile: WordTile) {
    targetPositions += tile.rows
    for row in 0..<tile.rows { nats += Double(tile.losses.base[row]) }
    for word in 0..<tile.words { add(tile, positions: tile.rows(ofWord: word)) }
  }

  private mutating func add(_ tile: WordTile, positions: Range<Int>) {
    if tile.targets.base[positions.lowerBound] == Int32(SpecialByte.document) { return }
    let bytes = positions.dropLast()
    var right = 0
    for position in bytes where tile.correct.base[position] { right += 1 }
    countWord(
      bytes: bytes.count, right: right, isMarkRight: tile.correct.base[positions.upperBound - 1])
  }
}
