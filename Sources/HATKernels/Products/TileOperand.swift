import CAMX

/// One side of a product as tiles take it: *lines* (rows of the left-hand side, columns of the right-hand side) of terms,
/// named by what the rows of its matrix are.
struct TileOperand {
  enum Side { case left, right }

  let matrix: ConstantMatrixView
  /// Whether a row of the matrix is a line; otherwise a row is one term of all lines.
  let rowsAreLines: Bool
  let side: Side

  static func left(rows matrix: ConstantMatrixView) -> TileOperand {
    TileOperand(matrix: matrix, rowsAreLines: true, side: .left)
  }
  static func left(terms matrix: ConstantMatrixView) -> TileOperand {
    TileOperand(matrix: matrix, rowsAreLines: false, side: .left)
  }
  static func right(columns matrix: ConstantMatrixView) -> TileOperand {
    TileOperand(matrix: matrix, rowsAreLines: true, side: .right)
  }
  static func right(terms matrix: ConstantMatrixView) -> TileOperand {
    TileOperand(matrix: matrix, rowsAreLines: false, side: .right)
  }

  var lines: Int { rowsAreLines ? matrix.rows : matrix.columns }
  var terms: Int { rowsAreLines ? matrix.columns : matrix.rows }

  func terms(_ range: Range<Int>) -> TileOperand {
    TileOperand(
      matrix: rowsAreLines ? matrix.columns(range) : matrix.rows(range), rowsAreLines: rowsAreLines,
      side: side)
  }

  func lines(_ range: Range<Int>) -> TileOperand {
    TileOperand(
      matrix: rowsAreLines ? matrix.rows(range) : matrix.columns(range), rowsAreLines: rowsAreLines,
      side: side)
  }

  /// The start of splitting 32 of its lines, or those that are left.
  func panel(_ index: Int, into blocks: UnsafeMutableRawPointer, transposed: FloatPointer)
    -> hat_tile_splitting
  {
    let panel = lines(TileBlock.range(index, of: lines))
    return hat_tiles_splitting(
      panel.matrix.base, panel.matrix.stride, Int32(panel.lines), panel.terms, rowsAreLines, side == .right,
      blocks, transposed)
  }
}

/// 32 × 32 elements of an operand, or of a result.
enum TileBlock {
  static let lines = Int(HAT_TILE_LINES)
  /// Of an operand, once split.
  static let bytes = Int(HAT_TILE_BLOCK_BYTES)

  /// Blocks that so many lines, or terms, take.
  static func count(_ elements: Int) -> Int { (elements + lines - 1) / lines }

  /// Which of so many elements block `index` has.
  static func range(_ index: Int, of elements: Int) -> Range<Int> {
    index * lines..<min((index + 1) * lines, elements)
  }
}
