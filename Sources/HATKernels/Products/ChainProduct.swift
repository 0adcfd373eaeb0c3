/// Products of which every element is one chain of fused multiply-adds, in the order of its terms: the same bits however
/// wide the processor's registers are.
enum ChainProduct {
  /// c = a · weightᵀ, or added to c.
  static func product(_ a: MatrixView, timesTransposed weight: LinearWeight, adding: Bool, _ c: MatrixView) {
    if let packed = weight.packed {
      product(a, times: packed, adding: adding, c)
    } else {
      product(a, timesTransposed: weight.matrix, adding: adding, c)
    }
  }

  /// c = a · bᵀ, or added to c.
  static func product(
    _ a: MatrixView, timesTransposed b: ConstantMatrixView, adding: Bool, _ c: MatrixView
  ) {
    precondition(a.columns == b.columns && c.rows == a.rows && c.columns == b.rows)
    multiply(ProductRows(matrix: a.constant, isTransposed: false), adding: adding, c) {
      columns, terms, panel in
      Panel.pack(transposed: b.rows(columns).columns(terms), width: Panel.width(columns.count), into: panel)
    }
  }

  /// c = a · b, or added to c.
  static func product(_ a: MatrixView, times b: ConstantMatrixView, adding: Bool, _ c: MatrixView) {
    precondition(a.columns == b.rows && c.rows == a.rows && c.columns == b.columns)
    multiply(ProductRows(matrix: a.constant, isTransposed: false), times: b, adding: adding, c)
  }

  /// c = aᵀ · b, or added to c.
  static func product(
    transposed a: MatrixView, times b: ConstantMatrixView, adding: Bool, _ c: MatrixView
  ) {
    precondition(a.rows == b.rows && c.rows == a.columns && c.columns == b.columns)
    if a.rows >= TransposedProduct.leastTerms {
      return TransposedProduct.multiply(a.constant, b, adding: adding, c)
    }
    multiply(ProductRows(matrix: a.constant, isTransposed: true), times: b, adding: adding, c)
  }

  /// c = a · packed, or added to c.
  private static func product(_ a: MatrixView, times packed: PackedMatrix, adding: Bool, _ c: MatrixView) {
    precondition(a.columns == packed.terms && c.rows == a.rows && c.columns == packed.columns)
    guard c.rows > 0 else { return }
    let rows = ProductRows(matrix: a.constant, isTransposed: false)
    for index in 0..<packed.panelCount {
      let panel = packed[index]
      PanelProduct.multiply(
        rows, terms: 0..<packed.terms, panel, adding: adding, into: c.columns(panel.columns))
    }
  }

  /// Rows from which on it pays to copy a panel before it is read.
  private static let packingRows = 256

  /// c = a · b, reading b where it lies if its panels are whole and there are few rows.
  private static func multiply(
    _ a: ProductRows, times b: ConstantMatrixView, adding: Bool, _ c: MatrixView
  ) {
    let last = c.columns % Panel.columns
    if c.rows >= packingRows || (last > 0 && Panel.width(last) != last) {
      return multiply(a, adding: adding, c) { columns, terms, panel in
        Panel.pack(b.rows(terms).columns(columns), width: Panel.width(columns.count), into: panel)
      }
    }
    guard a.terms > 0 else { return adding ? () : c.fillZero() }
    forEachPanel(c) { columns in
      let panel = Panel(
        columns: columns, base: b.base + columns.lowerBound, width: columns.count, rowStride: b.stride)
      PanelProduct.multiply(a, terms: 0..<a.terms, panel, adding: adding, into: c.columns(columns))
    }
  }

  /// c = a · b with panels of b that `pack` lays out: those of some columns, and a run of terms of their sums.
  @inline(__always)
  private static func multiply(
    _ a: ProductRows, adding: Bool, _ c: MatrixView,
    pack: (_ columns: Range<Int>, _ terms: Range<Int>, _ panel: FloatPointer) -> Void
  ) {
    guard a.terms > 0 else { return adding ? () : c.fillZero() }
    let scratch = ProductScratch.ofThread.panel
    forEachPanel(c) { columns in
      let width = Panel.width(columns.count)
      for start in stride(from: 0, to: a.terms, by: Panel.terms) {
        let terms = start..<min(start + Panel.terms, a.terms)
        pack(columns, terms, scratch)
        PanelProduct.multiply(
          a, terms: terms, Panel(columns: columns, base: scratch, width: width, rowStride: width),
          adding: adding || start > 0, into: c.columns(columns))
      }
    }
  }

  @inline(__always)
  private static func forEachPanel(_ c: MatrixView, _ body: (_ columns: Range<Int>) -> Void) {
    guard c.rows > 0 else { return }
    for first in stride(from: 0, to: c.columns, by: Panel.columns) {
      body(first..<min(first + Panel.columns, c.columns))
    }
  }
}
