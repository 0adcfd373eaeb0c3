import CAMX

/// Products of float32 on matrix tiles that multiply bfloat16 and add float32.
///
/// A float32 has 24 significant bits, a bfloat16 eight: x = x₁ + x₂ + x₃ without loss, each part 2⁻⁸ of the one before or
/// less. Of the nine products of parts, those below 2⁻²⁴ of the whole are left out:
///
///     a·b ≈ a₁b₃ + a₁b₂ + a₁b₁ + a₂b₁ + a₂b₂ + a₃b₁
///
/// for 32 terms at a time, added to the sum in that order. Sums of 32 terms meet the running sum once for each pair of
/// parts, where a chain of fused multiply-adds rounds at every term: the error is about half the chain's, and held
/// below it by `TileProductTests`. Parts below 2⁻¹²⁶ count as zero; an infinite factor makes NaN.
///
/// Source: G. Henry, P. T. P. Tang, A. Heinecke, "Leveraging the bfloat16 Artificial Intelligence Datatype For
/// Higher-Precision Computations", ARITH 2019.
enum TileProduct {
  /// Of one run through c: the blocks of both sides come from the second-level cache.
  static let (rows, columns, terms) = (512, 256, 512)

  /// c[rows, columns] = left · right, or added to c.
  static func multiply(_ left: TileOperand, _ right: TileOperand, adding: Bool, _ c: MatrixView) {
    precondition(left.terms == right.terms && left.lines == c.rows && right.lines == c.columns)
    guard c.rows > 0 && c.columns > 0 else { return }
    guard left.terms > 0 else { return adding ? () : c.fillZero() }
    let scratch = TileScratch.ofThread
    hat_tiles_start()
    forEach(left.terms, by: Self.terms) { terms in
      forEach(c.rows, by: Self.rows) { rows in
        left.split(rows, terms, into: scratch.left)
        forEach(c.columns, by: Self.columns) { columns in
          right.split(columns, terms, into: scratch.right)
          multiply(
            scratch, terms: terms.count, adding: adding || terms.lowerBound > 0, c.rows(rows).columns(columns)
          )
        }
      }
    }
    hat_tiles_stop()
  }

  /// c = the blocks that have been split, or added to c.
  private static func multiply(_ scratch: TileScratch, terms: Int, adding: Bool, _ c: MatrixView) {
    forEach(c.rows, by: TileBlocks.lines) { rows in
      let left = scratch.left[line: rows.lowerBound, terms: terms]
      forEach(c.columns, by: TileBlocks.lines) { columns in
        let right = scratch.right[line: columns.lowerBound, terms: terms]
        let count = TileBlocks.count(terms: terms)
        let result = c.rows(rows).columns(columns)
        if rows.count == TileBlocks.lines && columns.count == TileBlocks.lines {
          hat_tiles_multiply(left, right, count, result.base, result.stride, adding)
        } else {
          let whole = MatrixView(scratch.result, rows: TileBlocks.lines, columns: TileBlocks.lines)
          let visible = whole.rows(0..<rows.count).columns(0..<columns.count)
          if adding { visible.copy(result) }
          hat_tiles_multiply(left, right, count, whole.base, whole.stride, adding)
          result.copy(visible)
        }
      }
    }
  }

  @inline(__always)
  private static func forEach(_ count: Int, by size: Int, _ body: (Range<Int>) -> Void) {
    for start in stride(from: 0, to: count, by: size) { body(start..<min(start + size, count)) }
  }
}
