import CSIMD

/// aᵀ · b of many terms, as weight gradients are.
///
/// A kernel that walks down the terms of wide matrices touches a page for each: blocks of both are copied together first,
/// and a block of a serves all panels of b before the next.
enum TransposedProduct {
  /// Terms of a block, at most.
  static let terms = 512
  /// Rows of the result that a block of a gives: with its terms, half a megabyte of a second-level cache.
  static let blockRows = 256
  /// Terms from which on the copies pay.
  static let leastTerms = 256

  /// c[rows, columns] = a[terms, rows]ᵀ · b[terms, columns], or added to c.
  static func multiply(
    _ a: ConstantMatrixView, _ b: ConstantMatrixView, adding: Bool, _ c: MatrixView
  ) {
    let scratch = ProductScratch.ofThread
    let terms = blockTerms(columns: b.columns)
    for start in stride(from: 0, to: a.rows, by: terms) {
      let range = start..<min(start + terms, a.rows)
      let right = PackedMatrix(b.rows(range), into: scratch.rightPanels)
      for first in stride(from: 0, to: c.rows, by: blockRows) {
        let rows = first..<min(first + blockRows, c.rows)
        let left = LeftBlock(a.rows(range).columns(rows), into: scratch.leftBlock)
        left.multiply(right, adding: adding || start > 0, c.rows(rows))
      }
    }
  }

  /// As many as leave room for the panels of all columns.
  private static func blockTerms(columns: Int) -> Int {
    let room = ProductScratch.rightFloats / PackedMatrix.floats(columns: columns, terms: 1)
    precondition(room > 0, "a matrix has at most \(ProductScratch.rightFloats) columns")
    return min(terms, room)
  }
}

/// Some rows and terms of a transposed left-hand side: columns of the source for one kernel behind each other, each
/// [terms, PanelProduct.blockRows].
private struct LeftBlock {
  private let base: FloatPointer
  private let rows: Int
  private let terms: Int

  private static let kernelRows = PanelProduct.blockRows

  /// - Parameter source: [terms, rows]
  init(_ source: ConstantMatrixView, into base: FloatPointer) {
    (self.base, rows, terms) = (base, source.columns, source.rows)
    let whole = rows / Self.kernelRows * Self.kernelRows
    // A row at a time: each lies on a page of its own.
    for term in 0..<terms {
      let (row, place) = (source.row(term), base + term * Self.kernelRows)
      for first in stride(from: 0, to: whole, by: Self.kernelRows) {
        hat_copy32(row + first, place + first * terms)
      }
    }
    if whole < rows { kernelBlock(whole..<rows).copy(source.columns(whole..<rows)) }
  }

  /// [terms, rows]
  private func kernelBlock(_ rows: Range<Int>) -> MatrixView {
    MatrixView(
      base + rows.lowerBound * terms, rows: terms, columns: rows.count, stride: Self.kernelRows)
  }

  /// c[rows, columns] = block · panels, or added to c.
  func multiply(_ panels: PackedMatrix, adding: Bool, _ c: MatrixView) {
    for index in 0..<panels.panelCount {
      let panel = panels[index]
      for first in stride(from: 0, to: rows, by: Self.kernelRows) {
        let rows = first..<min(first + Self.kernelRows, rows)
        PanelProduct.multiply(
          ProductRows(matrix: kernelBlock(rows).constant, isTransposed: true), terms: 0..<terms, panel,
          adding: adding,
          into: c.rows(rows).columns(panel.columns))
      }
    }
  }
}
