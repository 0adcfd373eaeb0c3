import HATKernels
import HATText

/// The decoder (docs/model.md §4): spells each target word from W_D·h of the word before it, causal inside the word.
///
/// Its loss is local to a word, so that forward pass, loss and backward pass happen in one visit of a tile of
/// words: no activation outlives its tile. Words that do not count are not spelled. Legend: T target words, counted or not,
/// `d` byte width, `D` backbone width, V = 256.
final class WordDecoder {
  private let stack: TransformerStack
  private let tensors: HierarchicalTensors
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
    _ tensors: HierarchicalTensors, words: Int, use: StackUse, scratch: StackScratch,
    arena: Arena, kernels: ModelKernels
  ) {
    self.tensors = tensors
    self.arena = arena
    self.kernels = kernels
    stack = TransformerStack(use, tensors: tensors.decoder, scratch: scratch, arena: arena, kernels: kernels)
    let ngrams = NgramRows(tensors.decoderNgrams, tensors.decoderPrefixes, rows: use.rows)
    tile = WordTile(rows: use.rows, ngrams: ngrams)
    let d = use.shape.width
    table = RowTable(stack, rows: WordTile.byteRows + words, areTileRows: ngrams.isEmpty, arena: arena)
    inverseRoots = arena.reserve(use.rows)
    decoded = arena.reserve(rows: use.rows, columns: d)
    logits = arena.reserve(rows: use.rows, columns: 256)
    decodedGradient = arena.reserve(rows: use.rows, columns: d)
    residualGradient = arena.reserve(rows: use.rows, columns: d)
  }

  /// The loss of the target words.
  /// - Parameters:
  ///   - predictive: [T, D], h.
  ///   - visit: sees each tile's logits, and the tile with its losses; its words are numbers of the list.
  func loss(
    _ targets: TargetWords, of batch: borrowing Batch, predictive: MatrixView,
    parameters: some ModelParameters,
    visit: (_ words: UnsafeBufferPointer<Int32>, _ tile: WordTile, _ logits: MatrixView) -> Void
  ) -> LossSum {
    start(predictive, parameters)
    var sum = LossSum()
    for index in 0..<targets.list.tileCount {
      let words = targets.list.tile(index)
      let logits = runTile(words, of: targets, batch, parameters.back)
      kernels.loss(tile.losses(logits))
      visit(words, tile, logits)
      sum.add(tile) { targets.isInSum(words[$0]) }
    }
    return sum
  }

  /// The loss of the target words and its gradient.
  /// - Parameters:
  ///   - predictive: [T, D], h.
  ///   - predictiveGradient: [T, D], overwritten.
  ///   - memory: this adds to its gradients.
  ///   - preference: the loss by which to differentiate; nil for the sum of all positions' losses.
  func lossAndGradient(
    _ targets: TargetWords, of batch: borrowing Batch, predictive: MatrixView,
    predictiveGradient: MatrixView, memory: some ModelMemory, preference: PreferenceLoss?
  ) -> LossSum {
    start(predictive, memory)
    table.startBackward(tableCount(predictive))
    var sum = LossSum()
    for index in 0..<targets.list.tileCount {
      let words = targets.list.tile(index)
      let logits = runTile(words, of: targets, batch, memory.back)
      kernels.lossAndGradient(tile.losses(logits))
      sum.add(tile) { targets.isInSum(words[$0]) }
      if let preference { scale(logits, words, of: targets, by: preference) }
      differentiateTile(logitGradient: logits, memory.back, memory.backGradients)
    }
    finish(predictive, predictiveGradient, memory)
    return sum
  }

  private func scale(
    _ logitGradient: MatrixView, _ words: UnsafeBufferPointer<Int32>, of targets: TargetWords,
    by preference: PreferenceLoss
  ) {
    for (index, word) in words.enumerated() {
      let slope = preference.slope(ofPiece: Int(targets.pieces.base[Int(word)]))
      let rows = logitGradient.rows(tile.rows(ofWord: index))
      Vector.scale(rows.base, by: slope, count: rows.rows * rows.columns)
    }
  }

  /// Fills the table that all tiles need, with W_D·h of every word.
  private func start(_ predictive: MatrixView, _ parameters: some ModelParameters) {
    let rows = table.rows(tableCount(predictive))
    rows.rows(0..<WordTile.byteRows).copy(parameters.front[tensors.byteEmbedding])
    kernels.linear(
      predictive, weight: parameters.back[tensors.decoderInput],
      into: rows.rows(WordTile.byteRows..<rows.rows))
    table.prepare(rows.rows, parameters.back)
  }

  private func tableCount(_ predictive: MatrixView) -> Int { WordTile.byteRows + predictive.rows }

  /// - Returns: the tile's logits.
  private func runTile(
    _ words: UnsafeBufferPointer<Int32>, of targets: TargetWords, _ batch: borrowing Batch,
    _ weights: Weights
  ) -> MatrixView {
    tile.fillTargets(words, of: targets, from: batch)
    stack.forward(tile.rows(of: table), weights)
    let decoded = arena.view(decoded, rows: tile.rows)
    kernels.norm(
      stack.output(rows: tile.rows), gain: weights[tensors.decoder.norm], into: decoded,
      inverseRoots: arena.floats(inverseRoots))
    let logits = arena.view(logits, rows: tile.rows)
    kernels.linear(decoded, weight: weights[tensors.decoderHead], into: logits)
    return logits
  }

  private func differentiateTile(logitGradient: MatrixView, _ weights: Weights, _ gradients: Gradients) {
    let decodedGradient = arena.view(decodedGradient, rows: tile.rows)
    kernels.addWeightGradient(
      logitGradient, input: arena.view(decoded, rows: tile.rows), to: gradients[tensors.decoderHead])
    kernels.inputGradient(logitGradient, weight: weights[tensors.decoderHead], into: decodedGradient)
    let residual = arena.view(residualGradient, rows: tile.rows)
    residual.fillZero()
    kernels.normBackward(
      stack.output(rows: tile.rows), gain: weights[tensors.decoder.norm],
      inverseRoots: arena.floats(inverseRoots), outputGradient: decodedGradient, addInputGradientTo: residual,
      addGainGradientTo: gradients[tensors.decoder.norm])
    stack.backward(tile.rows(of: table), residualGradient: residual, weights, gradients)
  }

  /// After the last tile: differentiates the table, where all tiles left their gradients.
  private func finish(
    _ predictive: MatrixView, _ predictiveGradient: MatrixView, _ memory: some ModelMemory
  ) {
    table.finishBackward(tableCount(predictive), memory.back, memory.backGradients)
    let rows = table.gradient(tableCount(predictive))
    let byteEmbedding = memory.frontGradients[tensors.byteEmbedding]
    Vector.add(rows.base, to: byteEmbedding.base, count: byteEmbedding.rows * byteEmbedding.columns)
    let starts = rows.rows(WordTile.byteRows..<rows.rows)
    kernels.addWeightGradient(starts, input: predictive, to: memory.backGradients[tensors.decoderInput])
    kernels.inputGradient(starts, weight: memory.back[tensors.decoderInput], into: predictiveGradient)
  }
}

extension WordTile {
  fileprivate func losses(_ logits: MatrixView) -> LossRows {
    LossRows(logits: logits, targets: targets.base, losses: losses.base, correct: correct.base)
  }
}

extension LossSum {
  /// Counts a decoder's tile whose losses are known.
  fileprivate mutating func add(_ tile: WordTile, where isInSum: (_ word: Int) -> Bool) {
    for word in 0..<tile.words where isInSum(word) { add(tile, positions: tile.rows(ofWord: word)) }
  }

  private mutating func add(_ tile: WordTile, positions: Range<Int>) {
    targetPositions += positions.count
    for row in positions { nats += Double(tile.losses.base[row]) }
    // A word's first byte is that of a character, unless it is a mark.
    if SpecialByte.isMark(UInt8(tile.targets.base[positions.lowerBound])) { return }
    let bytes = positions.dropLast()
    var right = 0
    for position in bytes where tile.correct.base[position] { right += 1 }
    countWord(bytes: bytes.count, right: right, isMarkRight: tile.correct.base[positions.upperBound - 1])
  }
}
