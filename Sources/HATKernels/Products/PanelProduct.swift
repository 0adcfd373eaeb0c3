import CXSMM

/// The product of all rows with one packed panel, by LIBXSMM's kernels.
struct PanelProduct {
  /// Rows a kernel does at once, at most.
  private static let blockRows = 32
  /// Terms a kernel for a transposed matrix does at once, at most: their number is a number of rows, so it varies, and
  /// a kernel is made for each.
  private static let blockTerms = 256

  /// [rows, columns of the panel], where the result goes.
  private let result: MatrixView
  private let adding: Bool
  /// Columns of the panel, those beyond the result's included.
  let width: Int
  /// [terms, width], to be packed before `multiply`.
  let panel: FloatPointer
  /// [blockRows, width], for a result narrower than the panel.
  private let edge: FloatPointer

  init(into result: MatrixView, adding: Bool) {
    self.result = result
    self.adding = adding
    width = Panel.width(result.columns)
    panel = hat_product_scratch()
    edge = panel + Panel.columns * Panel.terms
  }

  /// result = a · panel with a [rows, terms], or aᵀ · panel with a [terms, rows]; or added.
  func multiply(_ a: MatrixView, isTransposed: Bool) {
    let terms = isTransposed ? a.rows : a.columns
    Blocks.forEach(result.rows, largest: Self.blockRows) { rows in
      let destination = result.rows(rows)
      if width == result.columns {
        multiplyBlock(a, rows, terms, isTransposed, into: destination)
      } else {
        let padded = MatrixView(edge, rows: rows.count, columns: width)
        let visible = padded.columns(0..<result.columns)
        padded.fillZero()
        if adding { visible.copy(destination) }
        multiplyBlock(a, rows, terms, isTransposed, into: padded)
        destination.copy(visible)
      }
    }
  }

  private func multiplyBlock(
    _ a: MatrixView, _ rows: Range<Int>, _ terms: Int, _ isTransposed: Bool, into c: MatrixView
  ) {
    guard isTransposed else {
      let kernel = kernel(rows: rows.count, terms: terms, a, isTransposed: false, c, adding: adding)
      return kernel(panel, a.row(rows.lowerBound), c.base)
    }
    Blocks.forEach(terms, largest: Self.blockTerms) { block in
      let kernel = kernel(
        rows: rows.count, terms: block.count, a, isTransposed: true, c,
        adding: adding || block.lowerBound > 0)
      kernel(panel + block.lowerBound * width, a.row(block.lowerBound) + rows.lowerBound, c.base)
    }
  }

  /// LIBXSMM counts columns first: its a is the panel, its b our rows.
  private func kernel(
    rows: Int, terms: Int, _ a: MatrixView, isTransposed: Bool, _ c: MatrixView, adding: Bool
  ) -> hat_product_kernel {
    let kernel = hat_product_kernel_for(
      Int32(width), Int32(rows), Int32(terms), Int32(width), Int32(a.stride), Int32(c.stride), isTransposed,
      adding)
    precondition(kernel != nil, "LIBXSMM makes kernels on every processor with AVX2")
    return kernel!
  }
}

/// A range cut into few sizes, so that few kernels are made: as many of the largest as fit, then powers of two.
enum Blocks {
  @inline(__always)
  static func forEach(_ count: Int, largest: Int, _ body: (Range<Int>) -> Void) {
    var (start, size) = (0, largest)
    while start < count {
      while size > count - start { size /= 2 }
      body(start..<start + size)
      start += size
    }
  }
}
