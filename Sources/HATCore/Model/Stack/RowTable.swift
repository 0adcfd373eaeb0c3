import HATKernels

/// The distinct rows that a stack's tiles are made of: the bytes, and the rows that open words. A tile's rows are rows of
/// the table, or these with rows of hashed tables added. Legend: N rows of the table, R rows of a tile.
struct RowTable {
  fileprivate let stack: TransformerStack
  /// [N, width]: to be filled before `prepare`.
  fileprivate let rows: ArenaMatrix
  fileprivate let rowGradient: ArenaMatrix
  /// Of the first block; nil where something is added to a tile's rows, which then are not those of the table.
  let projections: RowProjections?

  /// - Parameters:
  ///   - rows: of the table, at most.
  ///   - areTileRows: whether nothing is added to them in a tile.
  init(_ stack: TransformerStack, rows count: Int, areTileRows: Bool, arena: Arena) {
    self.stack = stack
    rows = arena.reserve(rows: count, columns: stack.shape.width)
    rowGradient = arena.reserve(rows: count, columns: stack.shape.width)
    projections = areTileRows ? RowProjections(stack, rows: count, arena: arena) : nil
  }

  /// The table's first `count` rows.
  func rows(_ count: Int) -> MatrixView { stack.view(rows, count) }

  /// The gradient by the table's first `count` rows, complete after `finishBackward`.
  func gradient(_ count: Int) -> MatrixView { stack.view(rowGradient, count) }

  /// Computes what tiles look up, for the first `count` rows.
  func prepare(_ count: Int, _ weights: Weights) { projections?.prepare(rows(count), weights) }

  /// To be called before the first tile of a backward pass.
  func startBackward(_ count: Int) {
    gradient(count).fillZero()
    projections?.startBackward(count)
  }

  /// After the last tile: the gradients of weights and rows. Overwrites what `prepare` has computed.
  func finishBackward(_ count: Int, _ weights: Weights, _ gradients: Gradients) {
    projections?.finishBackward(rows(count), addRowGradientTo: gradient(count), weights, gradients)
  }
}

/// The rows of one tile: row r is row `indices[r]` of the table, with those of hashed tables added.
struct TileRows {
  let table: RowTable
  let indices: UnsafePointer<Int32>
  let ngrams: NgramRows
  let segments: Segments
  let count: Int

  /// Fills the input of the first block, [R, width].
  func fill(_ input: MatrixView, _ weights: Weights) {
    stack.kernels.rows(input) {
      Vector.gatherRows(stack.all(table.rows), indices: indices, into: input)
    }
    ngrams.add(weights, to: input, stack.kernels)
  }

  /// Takes the gradient by that input, but for what goes through `RowTable.projections`.
  func add(_ inputGradient: MatrixView, to gradients: Gradients) {
    stack.kernels.rows(inputGradient, passes: 3) {
      Vector.scatterAddRows(inputGradient, indices: indices, to: stack.all(table.rowGradient))
    }
    ngrams.addGradient(inputGradient, to: gradients, stack.kernels)
  }

  private var stack: TransformerStack { table.stack }
}

/// Norm, queries, keys and values of the first block, computed once for each row of a table and looked up by tiles, whose
/// gradients by a row's occurrences are summed before their one backward pass (docs/model.md §9).
struct RowProjections {
  private let stack: TransformerStack
  private let inverseRoots: ArenaPlace
  /// [N, width], later its gradient.
  private let normalized: ArenaMatrix
  /// [N, queryKeyValueWidth], normalised but not rotated.
  private let queryKeyValue: ArenaMatrix
  private let queryKeyNorm: QueryKeyPair<HeadNormPlaces>?
  private let queryKeyValueGradient: ArenaMatrix

  fileprivate init(_ stack: TransformerStack, rows count: Int, arena: Arena) {
    self.stack = stack
    let shape = stack.shape
    inverseRoots = arena.reserve(count)
    normalized = arena.reserve(rows: count, columns: shape.width)
    queryKeyValue = arena.reserve(rows: count, columns: shape.queryKeyValueWidth)
    queryKeyNorm = HeadNormPlaces.pair(shape, rows: count, arena: arena)
    queryKeyValueGradient = arena.reserve(rows: count, columns: shape.queryKeyValueWidth)
  }

  /// Fills a tile's queries, keys and values, [R, queryKeyValueWidth].
  func lookUp(_ tile: TileRows, into destination: MatrixView) {
    stack.kernels.rows(destination) {
      Vector.gatherRows(stack.all(queryKeyValue), indices: tile.indices, into: destination)
    }
  }

  /// Takes the gradient by a tile's queries, keys and values.
  func add(_ gradient: MatrixView, _ tile: TileRows) {
    stack.kernels.rows(gradient, passes: 3) {
      Vector.scatterAddRows(gradient, indices: tile.indices, to: stack.all(queryKeyValueGradient))
    }
  }

  fileprivate func prepare(_ rows: MatrixView, _ weights: Weights) {
    let block = weights[stack.tensors.blocks[0]]
    let normalized = stack.view(normalized, rows.rows)
    stack.kernels.norm(
      rows, gain: block.inputNorm, into: normalized, inverseRoots: stack.arena.floats(inverseRoots))
    let outputs = stack.view(queryKeyValue, rows.rows)
    stack.kernels.linear(normalized, weight: block.queryKeyValue, into: outputs)
    stack.normalize(
      norms(rows, block), queries: outputs.columns(stack.shape.queries),
      keys: outputs.columns(stack.shape.keys))
  }

  private func norms(_ rows: MatrixView, _ weights: BlockWeights) -> QueryKeyPair<HeadNorm>? {
    queryKeyNorm?.norms(rows: rows.rows, gains: weights.queryKeyNorm, stack.arena)
  }

  fileprivate func startBackward(_ count: Int) { stack.view(queryKeyValueGradient, count).fillZero() }

  fileprivate func finishBackward(
    _ rows: MatrixView, addRowGradientTo rowGradient: MatrixView, _ weights: Weights, _ gradients: Gradients
  ) {
    let (weights, gradients) = (weights[stack.tensors.blocks[0]], gradients[stack.tensors.blocks[0]])
    let normalized = stack.view(normalized, rows.rows)
    let outputs = stack.view(queryKeyValueGradient, rows.rows)
    stack.differentiateNorms(
      norms(rows, weights), queries: outputs.columns(stack.shape.queries),
      keys: outputs.columns(stack.shape.keys), addGainGradientsTo: gradients.queryKeyNorm)
    stack.kernels.addWeightGradient(outputs, input: normalized, to: gradients.queryKeyValue)
    stack.kernels.inputGradient(outputs, weight: weights.queryKeyValue, into: normalized)
    stack.kernels.normBackward(
      rows, gain: weights.inputNorm, inverseRoots: stack.arena.floats(inverseRoots),
      outputGradient: normalized, addInputGradientTo: rowGradient, addGainGradientTo: gradients.inputNorm)
  }
}

extension TransformerStack {
  /// All rows that a matrix has room for.
  fileprivate func all(_ matrix: ArenaMatrix) -> MatrixView {
    view(matrix, matrix.place.count / max(1, matrix.columns))
  }
}
