import HATKernels
import HATText

/// The encoder (docs/model.md §4): turns a `[W]` mark and the bytes of a word into one embedding e = W_E · norm(output at
/// `[W]`), never across words.
///
/// Runs tile by tile and keeps no activations: the backward pass computes each tile again, in cache, and
/// differentiates it at once. Legend: U words of the list, `d` byte width, `D` backbone width.
final class WordEncoder {
  let stack: TransformerStack
  private let tensors: HierarchicalTensors
  private let arena: Arena
  private let kernels: ModelKernels
  private let table: RowTable
  private let tile: WordTile
  /// [U, d], the output at each `[W]`.
  private let marks: ArenaMatrix
  /// [U]
  private let inverseRoots: ArenaPlace
  /// [U, d]
  private let normalized: ArenaMatrix
  /// [U, d], the gradient by `normalized`.
  private let normalizedGradient: ArenaMatrix
  /// [U, d], the gradient by `marks`.
  private let markGradient: ArenaMatrix
  /// [tile rows, d]
  private let residualGradient: ArenaMatrix

  /// - Parameters:
  ///   - words: of a list, at most.
  ///   - use: sized for one tile.
  init(
    _ tensors: HierarchicalTensors, words: Int, use: StackUse, scratch: StackScratch, arena: Arena,
    kernels: ModelKernels
  ) {
    self.tensors = tensors
    self.arena = arena
    self.kernels = kernels
    stack = TransformerStack(use, tensors: tensors.encoder, scratch: scratch, arena: arena, kernels: kernels)
    let ngrams = NgramRows(tensors.encoderNgrams, rows: use.rows)
    table = RowTable(stack, rows: WordTile.byteRows, areTileRows: ngrams.isEmpty, arena: arena)
    tile = WordTile(rows: use.rows, ngrams: ngrams)
    let d = use.shape.width
    marks = arena.reserve(rows: words, columns: d)
    inverseRoots = arena.reserve(words)
    normalized = arena.reserve(rows: words, columns: d)
    normalizedGradient = arena.reserve(rows: words, columns: d)
    markGradient = arena.reserve(rows: words, columns: d)
    residualGradient = arena.reserve(rows: use.rows, columns: d)
  }

  /// To be called before `forward` whenever the weights have changed.
  func prepare(_ weights: Weights) {
    table.rows(WordTile.byteRows).copy(weights[tensors.byteEmbedding])
    table.prepare(WordTile.byteRows, weights)
  }

  /// Writes the embeddings of the list's words to `embeddings` [U, D].
  func forward(_ list: WordList, of batch: borrowing Batch, into embeddings: MatrixView, _ weights: Weights) {
    let marks = arena.view(marks, rows: list.count)
    for index in 0..<list.tileCount {
      let words = list.tile(index)
      runTile(words, of: list, batch, weights)
      Vector.scatterRows(stack.output(rows: words.count), indices: words.baseAddress!, into: marks)
    }
    let normalized = arena.view(normalized, rows: list.count)
    kernels.norm(
      marks, gain: weights[tensors.encoder.norm], into: normalized, inverseRoots: arena.floats(inverseRoots))
    kernels.linear(normalized, weight: weights[tensors.encoderOutput], into: embeddings)
  }

  private func runTile(
    _ words: UnsafeBufferPointer<Int32>, of list: WordList, _ batch: borrowing Batch, _ weights: Weights
  ) {
    tile.fillInputs(words, of: list, from: batch)
    stack.forward(tile.rows(of: table), weights)
  }

  /// Differentiates the last `forward`.
  /// - Parameters:
  ///   - embeddingGradient: [U, D]
  ///   - gradients: this adds to them.
  func backward(
    _ list: WordList, of batch: borrowing Batch, embeddingGradient: MatrixView, _ weights: Weights,
    _ gradients: Gradients
  ) {
    let markGradient = differentiateMarks(embeddingGradient, weights, gradients)
    table.startBackward(WordTile.byteRows)
    for index in 0..<list.tileCount {
      let words = list.tile(index)
      runTile(words, of: list, batch, weights)
      let residual = arena.view(residualGradient, rows: words.count)
      Vector.gatherRows(markGradient, indices: words.baseAddress!, into: residual)
      stack.backward(tile.rows(of: table), residualGradient: residual, weights, gradients)
    }
    table.finishBackward(WordTile.byteRows, weights, gradients)
    let byteEmbedding = gradients[tensors.byteEmbedding]
    Vector.add(
      table.gradient(WordTile.byteRows).base, to: byteEmbedding.base,
      count: byteEmbedding.rows * byteEmbedding.columns)
  }

  private func differentiateMarks(
    _ embeddingGradient: MatrixView, _ weights: Weights, _ gradients: Gradients
  ) -> MatrixView {
    let words = embeddingGradient.rows
    let normalizedGradient = arena.view(normalizedGradient, rows: words)
    kernels.addWeightGradient(
      embeddingGradient, input: arena.view(normalized, rows: words), to: gradients[tensors.encoderOutput])
    kernels.inputGradient(embeddingGradient, weight: weights[tensors.encoderOutput], into: normalizedGradient)
    let markGradient = arena.view(markGradient, rows: words)
    markGradient.fillZero()
    kernels.normBackward(
      arena.view(marks, rows: words), gain: weights[tensors.encoder.norm],
      inverseRoots: arena.floats(inverseRoots),
      outputGradient: normalizedGradient, addInputGradientTo: markGradient,
      addGainGradientTo: gradients[tensors.encoder.norm])
    return markGradient
  }
}
