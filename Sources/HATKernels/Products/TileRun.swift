import CAMX

/// The product of a few columns over a few terms: the right-hand side is split once, the left-hand side 32 rows at a time.
struct TileRun {
  let left: TileOperand
  let right: TileOperand
  let adding: Bool
  let result: MatrixView
  let scratch: TileScratch

  private var rowPanels: Int { TileBlock.count(result.rows) }
  private var columnPanels: Int { TileBlock.count(result.columns) }

  /// Beside the first rows the columns to come are split; then, evenly spread, the next rows.
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

  /// A block of the result, while steps of a splitting are taken.
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
      TileBlock.count(left.terms), block.base, block.stride, adding, &splitting, steps)
  }

  private func leftPanel(_ index: Int) -> hat_tile_splitting {
    left.panel(index, into: scratch.left(index, terms: left.terms), transposed: scratch.transposed)
  }

  private func rightPanel(_ index: Int) -> hat_tile_splitting {
    right.panel(index, into: scratch.right(index, terms: right.terms), transposed: scratch.transposed)
  }
}
