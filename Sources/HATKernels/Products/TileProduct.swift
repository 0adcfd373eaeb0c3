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
///
/// The next panel of 32 lines is split while tiles multiply the one before, by vector registers that are idle then.
enum TileProduct {
  /// Columns and terms of one run through c: their blocks stay in the second-level cache.
  static let (columns, terms) = (384, 384)

  /// c[rows, columns] = left · right, or added to c.
  static func multiply(_ left: TileOperand, _ right: TileOperand, adding: Bool, _ c: MatrixView) {
    precondition(left.terms == right.terms && left.lines == c.rows && right.lines == c.columns)
    guard c.rows > 0 && c.columns > 0 else { return }
    guard left.terms > 0 else { return adding ? () : c.fillZero() }
    let scratch = TileScratch.ofThread
    hat_tiles_start()
    forEach(left.terms, by: Self.terms) { terms in
      forEach(c.columns, by: Self.columns) { columns in
        TileRun(
          left: left.terms(terms), right: right.lines(columns).terms(terms),
          adding: adding || terms.lowerBound > 0, result: c.columns(columns), scratch: scratch
        ).multiply()
      }
    }
    hat_tiles_stop()
  }

  @inline(__always)
  private static func forEach(_ count: Int, by size: Int, _ body: (Range<Int>) -> Void) {
    for start in stride(from: 0, to: count, by: size) { body(start..<min(start + size, count)) }
  }
}
