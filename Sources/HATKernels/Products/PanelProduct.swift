import CXSMM
import HATStorage

/// Products of rows and panels, by LIBXSMM's kernels.
enum PanelProduct {
  /// The most rows that a kernel does at once.
  static let blockRows = 32
  /// The most terms that a kernel for a transposed matrix does at once: together with those of the panel they fit the
  /// first-level cache.
  private static let blockTerms = 128
  /// The same where one kernel takes whole rows of the matrix: they lie behind each other, so the processor prefetches
  /// them, and more terms fit. With registers of eight floats a kernel reads its panel several times, and the panel must stay
  /// in the first-level cache: no more terms.
  private static let narrowBlockTerms = hat_product_lanes() == 16 ? 512 : blockTerms

  /// result[rows, panel's columns] = rows · panel over `terms`, or added.
  static func multiply(
    _ rows: ProductOperand, terms: Range<Int>, _ panel: Panel, adding: Bool, into result: MatrixView
  ) {
    guard !rows.rowsAreLines else {
      return multiplyTerms(rows, terms, panel, adding: adding, into: result)
    }
    let largest = rows.matrix.columns <= blockRows ? narrowBlockTerms : blockTerms
    Blocks.forEachRun(terms.count, largest: largest) { block in
      multiplyTerms(
        rows, terms.lowerBound + block.lowerBound..<terms.lowerBound + block.upperBound,
        panel.dropping(terms: block.lowerBound), adding: adding || block.lowerBound > 0, into: result)
    }
  }

  private static func multiplyTerms(
    _ rows: ProductOperand, _ terms: Range<Int>, _ panel: Panel, adding: Bool, into result: MatrixView
  ) {
    let isWhole = panel.width == result.columns
    let padded = MatrixView(ProductScratch.ofThread.result, rows: blockRows, columns: panel.width)
    Blocks.forEachSize(result.rows, largest: blockRows) { size, starts in
      let kernel = kernel(
        rows, count: size, terms: terms.count, panel, resultStride: isWhole ? result.stride : panel.width,
        adding: adding)
      for start in starts {
        let block = result.rows(start..<start + size)
        let source = rows.element(line: start, term: terms.lowerBound)
        if isWhole {
          kernel(panel.base, source, block.base)
        } else {
          let visible = padded.rows(0..<size).columns(0..<result.columns)
          padded.fillZero()
          if adding { visible.copy(block) }
          kernel(panel.base, source, padded.base)
          block.copy(visible)
        }
      }
    }
  }

  /// LIBXSMM's matrices are column-major: its a is the panel, and its b our rows.
  private static func kernel(
    _ rows: ProductOperand, count: Int, terms: Int, _ panel: Panel, resultStride: Int, adding: Bool
  ) -> hat_product_kernel {
    guard
      let kernel = hat_product_kernel_for(
        Int32(panel.width), Int32(count), Int32(terms), Int32(panel.rowStride), Int32(rows.matrix.stride),
        Int32(resultStride), !rows.rowsAreLines, adding)
    else { LargeMemory.refuseKernel() }
    return kernel
  }
}

/// Ways to cut a range into blocks: of one size, or of few sizes, so that few kernels are made.
enum Blocks {
  /// Calls `body` for each block of `size`; the last one may be shorter.
  @inline(__always)
  static func forEach(_ count: Int, by size: Int, _ body: (Range<Int>) -> Void) {
    for start in stride(from: 0, to: count, by: size) { body(start..<min(start + size, count)) }
  }

  /// The sizes of runs are multiples of this, or smaller powers of two.
  private static let unit = 16

  /// Calls `body` for few runs: each takes as many whole units as are left, up to `largest`; powers of two follow.
  @inline(__always)
  static func forEachRun(_ count: Int, largest: Int, _ body: (Range<Int>) -> Void) {
    var start = 0
    while start < count {
      let left = count - start
      var size = min(largest, left / unit * unit)
      if size == 0 {
        size = unit
        while size > left { size /= 2 }
      }
      body(start..<start + size)
      start += size
    }
  }

  /// Calls `body` for each size with the starts of its blocks: as many of the largest as fit, then powers of two.
  @inline(__always)
  static func forEachSize(_ count: Int, largest: Int, _ body: (_ size: Int, _ starts: StrideTo<Int>) -> Void)
  {
    var (start, size) = (0, largest)
    while start < count {
      while size > count - start { size /= 2 }
      let end = start + (count - start) / size * size
      body(size, stride(from: start, to: end, by: size))
      start = end
    }
  }
}
