import HATKernels

/// The distinct rows that a stack's tiles consist of: the bytes, and the rows that open words.
///
/// Norm, queries, keys and values of the first block are computed once for each row of the table and looked up, and the
/// gradients of a row's occurrences are summed before their one backward pass (docs/model.md §9). Legend: N rows of the
/// table, R rows of a tile.
struct RowTable {
  private let stack: TransformerStack
  /// [N, width]: to be filled before `prepare`.
  private let rows: ArenaMatrix
  private let inverseRoots: ArenaPlace
  /// [N, width], later its gradient.
  private let normalized: ArenaMatrix
  /// [N, queryKeyValueWidth], not rotated.
  private let queryKeyValue: ArenaMatrix
  private let rowGradient: ArenaMatrix
  private let queryKeyValueGradient: ArenaMatrix

  /// - Parameter rows: of the table, at most.
  init(_ stack: TransformerStack, rows count: Int, arena: Arena) {
    self.stack = stack
    let shape = stack.shape
    rows = arena.reserve(rows: count, columns: shape.width)
    inverseRoots = arena.reserve(count)
    normalized = arena.reserve(rows: count, columns: shape.width)
    queryKeyValue = arena.reserve(rows: count, columns: shape.queryKeyValueWidth)
    rowGradient = arena.reserve(rows: count, columns: shape.width)
    queryKeyValueGradient = arena.reserve(rows: count, columns: shape.queryKeyValueWidth)
  }

  /// The table's first `count` rows.
  func rows(_ count: Int) -> MatrixView { stack.view(rows, count) }

  /// The gradient by the table's first `count` rows, complete after `finishBackward`.
  func gradient(_ count: Int) -> MatrixView { stack.view(rowGradient, count) }

  /// Computes what tiles look up, for the first `count` rows.
  func prepare(_ count: Int, _ weights: Weights) {
    let block = weights[stack.tensors.blocks[0]]
    let normalized = stack.view(normalized, count)
    stack.kernels.norm(
      rows(count), gain: block.inputNorm, into: normalized, inverseRoots: stack.arena.floats(inverseRoots))
    stack.kernels.linear(normalized, weight: block.queryKeyValue, into: stack.view(queryKeyValue, count))
  }

  /// Fills a tile's input and its queries, keys and values.
  func lookUp(_ block: BlockViews, _ indices: UnsafePointer<Int32>) {
    stack.kernels.rows(block.input) { Vector.gatherRows(all(rows), indices: indices, into: block.input) }
    stack.kernels.rows(block.queryKeyValue) {
      Vector.gatherRows(all(queryKeyValue), indices: indices, into: block.queryKeyValue)
    }
  }

  /// To be called before the first tile of a backward pass.
  func startBackward(_ count: Int) {
    gradient(count).fillZero()
    stack.view(queryKeyValueGradient, count).fillZero()
  }

  /// Takes a tile's gradients.
  func add(input: MatrixView, queryKeyValue: MatrixView, _ indices: UnsafePointer<Int32>) {
    stack.kernels.rows(input, passes: 3) {
      Vector.scatterAddRows(input, indices: indices, to: all(rowGradient))
    }
    stack.kernels.rows(queryKeyValue, passes: 3) {
      Vector.scatterAddRows(queryKeyValue, indices: indices, to: all(queryKeyValueGradient))
    }
  }

  /// After the last tile: the gradients of weights and rows. Overwrites what `prepare` has computed.
  func finishBackward(_ count: Int, _ weights: Weights, _ gradients: Gradients) {
    let (weights, gradients) = (weights[stack.tensors.blocks[0]], gradients[stack.tensors.blocks[0]])
    let (normalized, outputs) = (stack.view(normalized, count), stack.view(queryKeyValueGradient, count))
    stack.kernels.addWeightGradient(outputs, input: normalized, to: gradients.queryKeyValue)
    stack.kernels.inputGradient(outputs, weight: weights.queryKeyValue, into: normalized)
    stack.kernels.normBackward(
      rows(count), gain: weights.inputNorm, inverseRoots: stack.arena.floats(inverseRoots),
      outputGradient: normalized, addInputGradientTo: gradient(count), addGainGradientTo: gradients.inputNorm)
  }

  private func all(_ matrix: ArenaMatrix) -> MatrixView {
    stack.view(matrix, matrix.place.count / max(1, matrix.columns))
  }
}

/// The rows of one tile: row r is row `indices[r]` of the table.
struct TileRows {
  let table: RowTable
  let indices: UnsafePointer<Int32>
  let segments: Segments
  let count: Int
}
