import HATKernels
import HATText
import TestSupport

@testable import HATCore

/// What the structure of the model saves (docs/model.md §9).
enum Saving: String, CaseIterable {
  case distinctWords = "each distinct word once"
  case leadingRows = "last encoder block at [W]"
  case rowTable = "first block from a table"

  /// Those that a module has.
  static func all(of module: TileRun.Module) -> Set<Saving> {
    module == .encoder ? Set(allCases) : [.rowTable]
  }
}

/// The blocks of the encoder or the decoder over a batch, forward and backward as in a step of training, with some of the
/// savings: the plain path is the one without.
///
/// What stands behind the blocks (closing norm, projection, loss) is the same either way, and left out: the loss is linear
/// in their output. Legend: U words, N rows of the table, `d` byte width.
final class TileRun {
  enum Module: String {
    case encoder, decoder
  }

  /// [parameters], by the weights of the blocks.
  let gradient: FloatBuffer
  /// [N, d], by the rows the tiles are made of.
  var rowGradient: MatrixView { table.gradient(rowCount) }

  private let module: Module
  private let savings: Set<Saving>
  private let batch: Batch
  private let arena = Arena()
  private let weights: Weights
  private let gradients: Gradients
  private let owner: FloatBuffer
  private let distinct: DistinctWords
  /// The encoder's words, each occurrence.
  private let list: WordList
  /// The decoder's words.
  private let targets: TargetWords
  private let tile: WordTile
  private var stack: TransformerStack
  private let table: RowTable
  /// [N, d]: bytes, and what opens each word of the decoder.
  private let rows: FloatBuffer
  /// [U, d] of the encoder, [tile rows, d] of the decoder: the loss by the output.
  private let outputGradient: FloatBuffer
  /// [tile rows, d]
  private let residual: FloatBuffer
  private let rowCount: Int
  private let width: Int

  init(
    _ module: Module, _ model: ModelConfiguration, capacity: BatchCapacity, _ batch: Batch,
    _ savings: Set<Saving>
  ) {
    (self.module, self.savings, self.batch) = (module, savings, batch)
    let tensors = HierarchicalTensors(model)
    width = model.byteWidth
    owner = FloatBuffer(zeroed: tensors.table.count)
    ParameterInitializer(tensors.table, seed: 5).fill(FlatSlice(owner))
    gradient = FloatBuffer(zeroed: tensors.table.count)
    (weights, gradients) = (FlatSlice(owner).weights, Gradients(FlatSlice(gradient)))
    let tileRows = WordTiling.rows(model, longestWord: capacity.wordBytes)
    distinct = DistinctWords(capacity: capacity, tileRows: tileRows)
    distinct.fill(from: batch)
    list = WordList(words: capacity.positions, wordBytes: capacity.wordBytes, tileRows: tileRows)
    targets = TargetWords(capacity: capacity, tileRows: tileRows)
    let noTables = NgramTables(places: [], foldsCase: true)
    tile = WordTile(rows: tileRows, ngrams: NgramRows(noTables, rows: tileRows))

    let use = StackUse(
      shape: module == .encoder ? model.encoder : model.decoder, routine: .words, rows: tileRows,
      longestSegment: capacity.wordBytes + 1, givesLeadingRows: savings.contains(.leadingRows))
    stack = TransformerStack(
      use, tensors: module == .encoder ? tensors.encoder : tensors.decoder,
      scratch: StackScratch(for: [use], arena: arena), arena: arena, kernels: ModelKernels())
    rowCount = WordTile.byteRows + (module == .encoder ? 0 : distinct.ofInput.count)
    table = RowTable(stack, rows: rowCount, areTileRows: true, arena: arena)
    arena.allocate()
    rows = Self.random(rowCount * width, seed: 6)
    outputGradient = Self.random(max(distinct.ofInput.count, tileRows) * width, seed: 7)
    residual = FloatBuffer(zeroed: tileRows * width)
    arrangeWords()
  }

  private static func random(_ count: Int, seed: UInt64) -> FloatBuffer {
    var generator = OracleGenerator(seed: seed)
    let buffer = FloatBuffer(zeroed: count)
    for index in 0..<count { buffer.base[index] = Float.random(in: -0.02...0.02, using: &generator) }
    return buffer
  }

  private func arrangeWords() {
    guard module == .encoder else { return targets.fill(from: batch) }
    for piece in 0..<batch.pieceCount {
      for word in batch.wordRange(ofPiece: piece).dropLast() { list.batchWords.append(Int32(word)) }
    }
    list.arrange(batch)
    gatherOutputGradients()
  }

  /// Equal words get equal gradients, and a word that stands for its occurrences their sum.
  private func gatherOutputGradients() {
    let ofDistinct = Self.random(distinct.list.count * width, seed: 8)
    let gradients = MatrixView(ofDistinct.base, rows: distinct.list.count, columns: width)
    let all = MatrixView(outputGradient.base, rows: distinct.ofInput.count, columns: width)
    withExtendedLifetime(ofDistinct) {
      Vector.gatherRows(gradients, indices: distinct.ofInput.base, into: all)
    }
    guard savings.contains(.distinctWords) else { return }
    let sums = FloatBuffer(zeroed: ofDistinct.count)
    Vector.scatterAddRows(
      all, indices: distinct.ofInput.base,
      to: MatrixView(sums.base, rows: distinct.list.count, columns: width))
    withExtendedLifetime(sums) { outputGradient.base.update(from: sums.base, count: sums.count) }
  }

  private var words: WordList {
    module == .decoder ? targets.list : savings.contains(.distinctWords) ? distinct.list : list
  }

  /// One step: forward and backward, of the encoder forward before, as it keeps no activations.
  func run() {
    Vector.fillZero(gradient.base, count: gradient.count)
    let tableRows = table.rows(rowCount)
    tableRows.copy(MatrixView(rows.base, rows: rowCount, columns: width))
    if savings.contains(.rowTable) { table.prepare(rowCount, weights) }
    if module == .encoder { for index in 0..<words.tileCount { forward(index) } }
    table.startBackward(rowCount)
    for index in 0..<words.tileCount {
      forward(index)
      backward(index)
    }
    if savings.contains(.rowTable) {
      table.finishBackward(rowCount, weights, gradients)
    }
  }

  private func forward(_ index: Int) {
    switch module {
    case .encoder: tile.fillInputs(words.tile(index), of: words, from: batch)
    case .decoder: tile.fillTargets(words.tile(index), of: targets, from: batch)
    }
    if savings.contains(.rowTable) {
      stack.forward(tile.rows(of: table), weights)
    } else {
      Vector.gatherRows(table.rows(rowCount), indices: tile.symbols.base, into: stack.input(rows: tile.rows))
      stack.forwardPlainly(tile.segments, rows: tile.rows, weights)
    }
  }

  private func backward(_ index: Int) {
    let residual = outputGradient(ofTile: index)
    if savings.contains(.rowTable) {
      stack.backward(tile.rows(of: table), residualGradient: residual, weights, gradients)
    } else {
      let inputGradient = stack.backwardPlainly(
        tile.segments, rows: tile.rows, residualGradient: residual, weights, gradients)
      Vector.scatterAddRows(inputGradient, indices: tile.symbols.base, to: rowGradient)
    }
  }

  private func outputGradient(ofTile index: Int) -> MatrixView {
    let residual = MatrixView(residual.base, rows: tile.rows, columns: width)
    let all = MatrixView(outputGradient.base, rows: outputGradient.count / width, columns: width)
    guard module == .encoder else {
      residual.copy(all.rows(0..<tile.rows))
      return residual
    }
    let marks = residual.rows(0..<tile.words)
    Vector.gatherRows(all, indices: words.tile(index).baseAddress!, into: marks)
    if savings.contains(.leadingRows) { return marks }
    // From the last word on: a word's first row never stands before its place among the words.
    for word in (0..<tile.words).reversed() {
      let row = tile.rows(ofWord: word).lowerBound
      if row != word { residual.rows(row..<row + 1).copy(residual.rows(word..<word + 1)) }
    }
    for word in 0..<tile.words { residual.rows(tile.rows(ofWord: word).dropFirst()).fillZero() }
    return residual
  }
}

/// A tile's blocks without the table of rows: all of the first block is computed for every row.
extension TransformerStack {
  private var last: Int { workspace.blocks.count - 1 }
  /// Those that run at every row.
  private var wholeLayers: Range<Int> { 0..<(workspace.leading == nil ? last + 1 : last) }

  func forwardPlainly(_ segments: Segments, rows: Int, _ weights: Weights) {
    for layer in wholeLayers { forward(layer: layer, segments: segments, rows: rows, weights: weights) }
    guard let leading = workspace.leading else { return }
    let block = BlockViews(stack: self, layer: last, rows: rows, weights: weights)
    let firsts = BlockViews(stack: self, layer: last, rows: segments.count, weights: weights)
    projectLeading(block, leading, segments)
    attendLeading(block, firsts, segments)
    transform(firsts)
  }

  /// - Returns: [rows, width], the loss by the input.
  func backwardPlainly(
    _ segments: Segments, rows: Int, residualGradient: MatrixView, _ weights: Weights, _ gradients: Gradients
  ) -> MatrixView {
    var residual = residualGradient
    if let leading = workspace.leading {
      let block = BlockViews(stack: self, layer: last, rows: rows, weights: weights)
      let firsts = BlockViews(stack: self, layer: last, rows: segments.count, weights: weights)
      let allGradients = BlockGradients(
        stack: self, layer: last, rows: rows, gradients: gradients, isAdding: true)
      let firstGradients = BlockGradients(
        stack: self, layer: last, rows: segments.count, gradients: gradients, isAdding: true)
      differentiateTransform(firsts, firstGradients, residual)
      differentiateAttendLeading(block, firsts, allGradients, firstGradients, residual, segments)
      let firstResidual = residual
      residual = view(leading.residualGradient, rows)
      residual.fillZero()
      Vector.scatterRows(firstResidual, indices: segments.offsets, into: residual)
      differentiateProjectLeading(block, leading, allGradients, residual, segments)
    }
    for layer in wholeLayers.reversed() {
      backward(
        layer: layer, segments: segments, residualGradient: residual, weights: weights,
        gradients: gradients, isAdding: true)
    }
    return residual
  }
}
