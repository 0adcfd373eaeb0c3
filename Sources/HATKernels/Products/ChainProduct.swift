import CSIMD

/// Products in which every element is one chain of fused multiply-adds, in the order of its terms: the same bits on
/// registers of any width.
enum ChainProduct {
  /// c[rows, columns] = left · right, or added to c.
  static func multiply(
    _ left: ProductOperand, _ right: ProductOperand, adding: Bool, _ c: MatrixView
  ) {
    precondition(left.terms == right.terms && c.rows == left.lines && c.columns == right.lines)
    let b = right.matrix
    if right.rowsAreLines {
      multiply(left, adding: adding, c) { columns, terms, panel in
        Panel.pack(transposed: b.rows(columns).columns(terms), width: Panel.width(columns.count), into: panel)
      }
    } else if !left.rowsAreLines && left.terms >= TransposedProduct.leastTerms {
      TransposedProduct.multiply(left.matrix, b, adding: adding, c)
    } else {
      multiply(left, times: b, adding: adding, c)
    }
  }

  /// c = left · packed, or added to c.
  static func multiply(_ left: ProductOperand, times packed: PackedMatrix, adding: Bool, _ c: MatrixView) {
    precondition(left.terms == packed.terms && c.rows == left.lines && c.columns == packed.columns)
    guard c.rows > 0 else { return }
    for index in 0..<packed.panelCount {
      let panel = packed[index]
      PanelProduct.multiply(
        left, terms: 0..<packed.terms, panel, adding: adding, into: c.columns(panel.columns))
    }
  }

  /// The number of rows from which on it pays to copy a panel before it is read.
  private static let packingRows = 256

  /// c = a · b. b is read in place if its panels are whole and there are few rows.
  private static func multiply(
    _ a: ProductOperand, times b: ConstantMatrixView, adding: Bool, _ c: MatrixView
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

  /// c = a · b, where `pack` lays out panels of b: some columns, and a run of the terms of their sums.
  @inline(__always)
  private static func multiply(
    _ a: ProductOperand, adding: Bool, _ c: MatrixView,
    pack: (_ columns: Range<Int>, _ terms: Range<Int>, _ panel: FloatPointer) -> Void
  ) {
    guard a.terms > 0 else { return adding ? () : c.fillZero() }
    let scratch = ProductScratch.ofThread.panel
    forEachPanel(c) { columns in
      let width = Panel.width(columns.count)
      Blocks.forEach(a.terms, by: Panel.terms) { terms in
        pack(columns, terms, scratch)
        PanelProduct.multiply(
          a, terms: terms, Panel(columns: columns, base: scratch, width: width, rowStride: width),
          adding: adding || terms.lowerBound > 0, into: c.columns(columns))
      }
    }
  }

  @inline(__always)
  private static func forEachPanel(_ c: MatrixView, _ body: (_ columns: Range<Int>) -> Void) {
    if c.rows > 0 { Blocks.forEach(c.columns, by: Panel.columns, body) }
  }
}

/// aᵀ · b with many terms, as weight gradients have.
///
/// A kernel that walks down the terms of wide matrices touches a page for each term. Blocks of both matrices are
/// therefore packed first, and a block of a is multiplied by all panels of b before the next is packed.
enum TransposedProduct {
  /// The most terms of a block.
  static let terms = 512
  /// Rows of the result that a block of a gives. With its terms it is half a megabyte of a second-level cache.
  static let blockRows = 256
  /// The number of terms from which on packing pays.
  static let leastTerms = 256
  /// The most columns of b at once: there is room for the panels of 64 of their terms.
  private static let mostColumns = ProductScratch.rightFloats / 64

  /// c[rows, columns] = a[terms, rows]ᵀ · b[terms, columns], or added to c.
  static func multiply(_ a: ConstantMatrixView, _ b: ConstantMatrixView, adding: Bool, _ c: MatrixView) {
    Blocks.forEach(b.columns, by: mostColumns) { columns in
      multiplyColumns(a, b.columns(columns), adding: adding, c.columns(columns))
    }
  }

  private static func multiplyColumns(
    _ a: ConstantMatrixView, _ b: ConstantMatrixView, adding: Bool, _ c: MatrixView
  ) {
    let scratch = ProductScratch.ofThread
    Blocks.forEach(a.rows, by: blockTerms(columns: b.columns)) { terms in
      let right = PackedMatrix(b.rows(terms), into: scratch.rightPanels)
      Blocks.forEach(c.rows, by: blockRows) { rows in
        let left = LeftBlock(a.rows(terms).columns(rows), into: scratch.leftBlock)
        left.multiply(right, adding: adding || terms.lowerBound > 0, c.rows(rows))
      }
    }
  }

  /// As many terms as leave room for the panels of all columns.
  private static func blockTerms(columns: Int) -> Int {
    min(terms, ProductScratch.rightFloats / PackedMatrix.floats(columns: columns, terms: 1))
  }
}

/// Some rows and terms of a transposed left-hand side. The columns of the source that one kernel reads are packed behind
/// each other, each [terms, PanelProduct.blockRows].
private struct LeftBlock {
  private let base: FloatPointer
  private let rows: Int
  private let terms: Int

  private static let kernelRows = PanelProduct.blockRows

  /// - Parameter source: [terms, rows]
  init(_ source: ConstantMatrixView, into base: FloatPointer) {
    (self.base, rows, terms) = (base, source.columns, source.rows)
    let whole = rows / Self.kernelRows * Self.kernelRows
    // Row by row: each lies on a page of its own.
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
      Blocks.forEach(rows, by: Self.kernelRows) { rows in
        PanelProduct.multiply(
          .columns(kernelBlock(rows).constant), terms: 0..<terms, panel, adding: adding,
          into: c.rows(rows).columns(panel.columns))
      }
    }
  }
}
