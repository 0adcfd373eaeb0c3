import CAMX

/// Products of float32 on matrix tiles that multiply bfloat16 and add float32.
///
/// A float32 has 24 significant bits and a bfloat16 eight, so x = x₁ + x₂ + x₃ without loss, where each part is at most
/// 2⁻⁸ of the one before. Of the nine products of parts, those below 2⁻²⁴ of the whole are left out:
///
///     a·b ≈ a₁b₃ + a₁b₂ + a₁b₁ + a₂b₁ + a₂b₂ + a₃b₁
///
/// These are added to the sum in that order, for 32 terms at a time. The running sum is rounded once for each pair of
/// parts and 32 terms, whereas a chain of fused multiply-adds rounds it at every term: the error is about half that of
/// the chain (`TileProductTests` checks that it is no larger). Parts below 2⁻¹²⁶ count as zero. A factor that is infinite, or
/// rounds to infinity as bfloat16 (from 3.396 · 10³⁸ on), gives NaN.
///
/// Source: G. Henry, P. T. P. Tang, A. Heinecke, "Leveraging the bfloat16 Artificial Intelligence Datatype For
/// Higher-Precision Computations", ARITH 2019.
///
/// In bf16 each factor is one part, rounded to the nearest bfloat16, and there is one product instead of six. Of 32 terms the tiles
/// sum the first sixteen and the others apart, and add both sums, and then the result, to what there is.
///
/// While the tiles multiply a panel of 32 lines, the vector registers, idle otherwise, split the next one.
enum TileProduct {
  /// The columns of one run, and the terms times parts: their blocks stay in the second-level cache.
  static let (columns, termParts) = (384, 3 * 384)

  /// c[rows, columns] = left · right, or added to c.
  static func multiply(
    _ left: ProductOperand, _ right: ProductOperand, adding: Bool, _ c: MatrixView, in precision: Precision
  ) {
    precondition(left.terms == right.terms && left.lines == c.rows && right.lines == c.columns)
    guard c.rows > 0 && c.columns > 0 else { return }
    guard left.terms > 0 else { return adding ? () : c.fillZero() }
    let scratch = TileScratch.ofThread(precision)
    hat_tiles_start()
    Blocks.forEach(left.terms, by: termParts / scratch.parts) { terms in
      Blocks.forEach(c.columns, by: Self.columns) { columns in
        TileRun(
          left: left.terms(terms), right: right.lines(columns).terms(terms),
          adding: adding || terms.lowerBound > 0, result: c.columns(columns), scratch: scratch
        ).multiply()
      }
    }
    hat_tiles_stop()
  }
}

/// The product of all rows with a few columns, over a few terms. The right-hand side is split once, the left-hand side 32
/// rows at a time.
private struct TileRun {
  let left: ProductOperand
  let right: ProductOperand
  let adding: Bool
  let result: MatrixView
  let scratch: TileScratch

  private var rowPanels: Int { TileBlock.count(result.rows) }
  private var columnPanels: Int { TileBlock.count(result.columns) }

  /// While the first rows are multiplied, the next columns are split; after that the next rows, evenly spread.
  func multiply() {
    var (rows, columns) = (leftPanel(0), rightPanel(0))
    hat_tiles_split(&rows)
    hat_tiles_split(&columns)
    for row in 0..<rowPanels {
      if row + 1 < rowPanels { rows = leftPanel(row + 1) }
      for column in 0..<columnPanels {
        if row == 0 && column + 1 < columnPanels {
          columns = rightPanel(column + 1)
          multiply(row, column, splitting: &columns, steps: columns.steps)
        } else {
          multiply(row, column, splitting: &rows, steps: rows.steps / (columnPanels - column))
        }
      }
    }
  }

  /// Computes a block of the result, and meanwhile takes steps of a splitting.
  private func multiply(_ row: Int, _ column: Int, splitting: inout hat_tile_splitting, steps: Int) {
    let block = result.rows(TileBlock.range(row, of: result.rows))
      .columns(TileBlock.range(column, of: result.columns))
    if block.rows == TileBlock.lines && block.columns == TileBlock.lines {
      multiply(row, column, into: block, splitting: &splitting, steps: steps)
    } else {
      let whole = MatrixView(scratch.result, rows: TileBlock.lines, columns: TileBlock.lines)
      let visible = whole.rows(0..<block.rows).columns(0..<block.columns)
      if adding { visible.copy(block) }
      multiply(row, column, into: whole, splitting: &splitting, steps: steps)
      block.copy(visible)
    }
  }

  private func multiply(
    _ row: Int, _ column: Int, into block: MatrixView, splitting: inout hat_tile_splitting, steps: Int
  ) {
    hat_tiles_multiply(
      scratch.left(row, terms: left.terms), scratch.right(column, terms: left.terms),
      Int32(scratch.parts), TileBlock.count(left.terms), block.base, block.stride, adding, &splitting, steps)
  }

  private func leftPanel(_ index: Int) -> hat_tile_splitting {
    left.panel(index, isRight: false, into: scratch.left(index, terms: left.terms), scratch)
  }

  private func rightPanel(_ index: Int) -> hat_tile_splitting {
    right.panel(index, isRight: true, into: scratch.right(index, terms: right.terms), scratch)
  }
}

extension ProductOperand {
  /// Begins to split the panel `index` of 32 lines, or those that are left at the end.
  fileprivate func panel(
    _ index: Int, isRight: Bool, into blocks: UnsafeMutableRawPointer, _ scratch: TileScratch
  ) -> hat_tile_splitting {
    let panel = lines(TileBlock.range(index, of: lines))
    return hat_tiles_splitting(
      panel.matrix.base, panel.matrix.stride, Int32(panel.lines), panel.terms, rowsAreLines, isRight,
      Int32(scratch.parts), blocks, scratch.transposed)
  }
}

/// 32 × 32 elements of an operand or a result.
enum TileBlock {
  static let lines = Int(HAT_TILE_LINES)
  /// Of a part of a block of an operand, once split.
  static let partBytes = Int(HAT_TILE_PART_BYTES)

  /// The number of blocks that so many lines or terms take.
  static func count(_ elements: Int) -> Int { (elements + lines - 1) / lines }

  /// The elements that block `index` has of so many.
  static func range(_ index: Int, of elements: Int) -> Range<Int> {
    index * lines..<min((index + 1) * lines, elements)
  }
}
