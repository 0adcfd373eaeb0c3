import CAMX

/// One side of a product as tiles take it: *lines* (rows of the left-hand side, columns of the right-hand side) of terms,
/// named by what the rows of its matrix are.
struct TileOperand {
  private enum Side { case left, right }

  private let matrix: MatrixView
  /// Whether a row of the matrix is a line; otherwise a row is one term of all lines.
  private let rowsAreLines: Bool
  private let side: Side

  static func left(rows matrix: MatrixView) -> TileOperand {
    TileOperand(matrix: matrix, rowsAreLines: true, side: .left)
  }
  static func left(terms matrix: MatrixView) -> TileOperand {
    TileOperand(matrix: matrix, rowsAreLines: false, side: .left)
  }
  static func right(columns matrix: MatrixView) -> TileOperand {
    TileOperand(matrix: matrix, rowsAreLines: true, side: .right)
  }
  static func right(terms matrix: MatrixView) -> TileOperand {
    TileOperand(matrix: matrix, rowsAreLines: false, side: .right)
  }

  var lines: Int { rowsAreLines ? matrix.rows : matrix.columns }
  var terms: Int { rowsAreLines ? matrix.columns : matrix.rows }

  /// Splits some lines over some terms into blocks of 32 × 32: the blocks of 32 lines behind each other, in the order of
  /// their terms. The matrix is read row by row: a walk down its columns would touch a page for each.
  func split(_ lines: Range<Int>, _ terms: Range<Int>, into blocks: TileBlocks) {
    func split(line: Int, term: Int) {
      self.split(
        lines.dropFirst(line).prefix(TileBlocks.lines), terms.dropFirst(term).prefix(TileBlocks.terms),
        into: blocks[line: line, terms: terms.count] + term / TileBlocks.terms * TileBlocks.bytes)
    }
    let lineStarts = stride(from: 0, to: lines.count, by: TileBlocks.lines)
    let termStarts = stride(from: 0, to: terms.count, by: TileBlocks.terms)
    if rowsAreLines {
      for line in lineStarts { for term in termStarts { split(line: line, term: term) } }
    } else {
      for term in termStarts { for line in lineStarts { split(line: line, term: term) } }
    }
  }

  private func split(_ lines: Range<Int>, _ terms: Range<Int>, into block: UnsafeMutableRawPointer) {
    let (lineCount, termCount) = (Int32(lines.count), Int32(terms.count))
    if rowsAreLines {
      hat_tiles_split_along(
        matrix.row(lines.lowerBound) + terms.lowerBound, matrix.stride, lineCount, termCount, side == .right,
        block)
    } else {
      hat_tiles_split_across(
        matrix.row(terms.lowerBound) + lines.lowerBound, matrix.stride, lineCount, termCount, side == .right,
        block)
    }
  }
}

/// Where the split blocks of an operand lie.
struct TileBlocks {
  static let lines = Int(HAT_TILE_LINES)
  static let terms = Int(HAT_TILE_TERMS)
  static let bytes = Int(HAT_TILE_BLOCK_BYTES)

  let base: UnsafeMutableRawPointer

  /// Blocks that so many terms take.
  static func count(terms: Int) -> Int { (terms + Self.terms - 1) / Self.terms }

  /// The first block of 32 lines; `terms` of each line have been split.
  subscript(line line: Int, terms terms: Int) -> UnsafeMutableRawPointer {
    base + line / Self.lines * Self.count(terms: terms) * Self.bytes
  }
}
