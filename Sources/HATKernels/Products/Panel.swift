import CSIMD

/// A few columns of a product's right-hand matrix as the kernels read them: [terms, width], rows `rowStride` apart, the
/// columns beyond the matrix zero.
struct Panel {
  /// Columns of a panel, at most: four registers of sixteen floats, or eight of eight.
  static let columns = 64
  /// Terms of a panel packed for one product, at most: it stays in the second-level cache.
  static let terms = 512

  /// The columns of the matrix it holds.
  let columns: Range<Int>
  let base: UnsafePointer<Float>
  let width: Int
  let rowStride: Int

  /// The columns to compute so that those asked for are among them. A remainder of one register of sixteen would be
  /// summed in several chains, so the narrowest panel has two.
  static func width(_ columns: Int) -> Int {
    max(32, (columns + 15) & ~15)
  }

  /// The panel from a term on.
  func dropping(terms: Int) -> Panel {
    Panel(columns: columns, base: base + terms * rowStride, width: width, rowStride: rowStride)
  }

  /// Packs `source` [terms, columns].
  static func pack(_ source: ConstantMatrixView, width: Int, into panel: FloatPointer) {
    for term in 0..<source.rows {
      let row = panel + term * width
      row.update(from: source.row(term), count: source.columns)
      clear(row, from: source.columns, to: width)
    }
  }

  /// Packs `source` [columns, terms], transposing it.
  static func pack(transposed source: ConstantMatrixView, width: Int, into panel: FloatPointer) {
    let (wholeColumns, wholeTerms) = (source.rows & ~7, source.columns & ~7)
    for column in stride(from: 0, to: wholeColumns, by: 8) {
      for term in stride(from: 0, to: wholeTerms, by: 8) {
        hat_transpose(source.row(column) + term, source.stride, panel + term * width + column, width)
      }
      copy(source, column..<column + 8, wholeTerms..<source.columns, width: width, into: panel)
    }
    copy(source, wholeColumns..<source.rows, 0..<source.columns, width: width, into: panel)
    if source.rows < width {
      for term in 0..<source.columns { clear(panel + term * width, from: source.rows, to: width) }
    }
  }

  private static func copy(
    _ source: ConstantMatrixView, _ columns: Range<Int>, _ terms: Range<Int>, width: Int,
    into panel: FloatPointer
  ) {
    for column in columns {
      for term in terms { panel[term * width + column] = source.row(column)[term] }
    }
  }

  @inline(__always)
  private static func clear(_ row: FloatPointer, from start: Int, to end: Int) {
    if start < end { (row + start).update(repeating: 0, count: end - start) }
  }
}
