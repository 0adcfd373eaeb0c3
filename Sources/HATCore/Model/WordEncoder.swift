import HATKernels
import HATText

/// The encoder (model.md §4): the bytes of a word, behind a `[W]` mark, to one embedding e = W_E · norm(output at
/// `[W]`), never across words.
///
/// Runs tile by tile and keeps no activations: the backward pass computes each tile again, in cache, and
/// differentiates it at once. Legend: U words of the list, `d` byte width, `D` backbone width.
final class WordEncoder {
  let stack: TransformerStack
  private let model: ModelConfiguration
  private let layout: HierarchicalLayout
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
    _ model: ModelConfiguration, layout: HierarchicalLayout, words: Int, use: StackUse, scratch: StackScratch,
    arena: Arena, kernels: ModelKernels
  ) {
    self.model = model
    self.layout = layout
    self.arena = arena
    self.kernels = kernels
    stack = TransformerStack(use, offsets: layout.encoder, scratch: scratch, arena: arena, kernels: kernels)
    table = RowTable(stack, rows: WordTile.byteRows, arena: arena)
    tile = WordTile(rows: use.rows)
    let d = model.byteWidth
    marks = arena.reserve(rows: words, columns: d)
    inverseRoots = arena.reserve(words)
    normalized = arena.reserve(rows: words, columns: d)
    normalizedGradient = arena.reserve(rows: words, columns: d)
    markGradient = arena.reserve(rows: words, columns: d)
    residualGradient = arena.reserve(rows: use.rows, columns: d)
  }

  /// To be called before `forward` whenever the parameters have changed.
  func prepare(_ parameters: UnsafePointer<Float>) {
    let weights = ModelMatrices(layout, model, in: FloatPointer(mutating: parameters))
    table.rows(WordTile.byteRows).copy(weights.byteEmbedding)
    table.prepare(WordTile.byteRows, parameters: parameters)
  }

  /// Writes the embeddings of the list's words to `embeddings` [U, D].
  func forward(
    _ list: WordList, of batch: borrowing Batch, into embeddings: MatrixView,
    parameters: UnsafePointer<Float>
  ) {
    let weights = ModelMatrices(layout, model, in: FloatPointer(mutating: parameters))
    let marks = arena.view(marks, rows: list.count)
    for index in 0..<list.tileCount {
      let words = list.tile(index)
      runTile(words, of: list, batch, parameters)
      Vector.scatterRows(stack.output(rows: words.count), indices: words.baseAddress!, into: marks)
    }
    let normalized = arena.view(normalized, rows: list.count)
    kernels.norm(
      marks, gain: weights.encoderNorm, into: normalized, inverseRoots: arena.floats(inverseRoots))
    kernels.linear(normalized, weight: weights.encoderOutput, into: embeddings)
  }

  private func runTile(
    _ words: UnsafeBufferPointer<Int32>, of list: WordList, _ batch: borrowing Batch,
    _ parameters: UnsafePointer<Float>
  ) {
    tile.fillInputs(words, of: list, from: batch)
    stack.forward(tile.rows(of: table), parameters: parameters)
  }

  /// Differentiates the last `forward`.
  /// - Parameters:
  ///   - embeddingGradient: [U, D]
  ///   - gradient: the flat gradient buffer, which this adds to.
  func backward(
    _ list: WordList, of batch: borrowing Batch, embeddingGradient: MatrixView,
    parameters: UnsafePointer<Float>, gradient: FloatPointer
  ) {
    let weights = ModelMatrices(layout, model, in: FloatPointer(mutating: parameters))
    let gradients = ModelMatrices(layout, model, in: gradient)
    let markGradient = differentiateMarks(embeddingGradient, weights, gradients)
    table.startBackward(WordTile.byteRows)
    for index in 0..<list.tileCount {
      let words = list.tile(index)
      runTile(words, of: list, batch, parameters)
      let residual = arena.view(residualGradient, rows: words.count)
      Vector.gatherRows(markGradient, indices: words.baseAddress!, into: residual)
      stack.backward(
        tile.rows(of: table), residualGradient: residual, parameters: parameters, gradient: gradient)
    }
    table.finishBackward(WordTile.byteRows, parameters: parameters, gradient: gradient)
    Vector.add(
      table.gradient(WordTile.byteRows).base, to: gradients.byteEmbedding.base,
      count: gradients.byteEmbedding.rows * gradients.byteEmbedding.columns)
  }

  private func differentiateMarks(
    _ embeddingGradient: MatrixView, _ weights: ModelMatrices, _ gradients: ModelMatrices
  ) -> MatrixView {
    let words = embeddingGradient.rows
    let normalizedGradient = arena.view(normalizedGradient, rows: words)
    kernels.addWeightGradient(
      embeddingGradient, input: arena.view(normalized, rows: words), to: gradients.encoderOutput)
    kernels.inputGradient(embeddingGradient, weight: weights.encoderOutput, into: normalizedGradient)
    let markGradient = arena.view(markGradient, rows: words)
    markGradient.fillZero()
    kernels.normBackward(
      arena.view(marks, rows: words), gain: weights.encoderNorm, inverseRoots: arena.floats(inverseRoots),
      outputGradient: normalizedGradient, addInputGradientTo: markGradient,
      addGainGradientTo: gradients.encoderNorm)
    return markGradient
  }
}
