/// Neighbouring queries of a segment, and the products with the keys that they see.
///
/// Under a causal mask the keys of the block itself form a triangle. It is done in strips, so that few of the products
/// that the mask hides are computed at all. What is left out of a sum are zeros, so the bits do not depend on the strips.
struct QueryBlock {
  /// The most queries of a block.
  static let rows = 64
  /// The queries of a strip, or the keys where those are the rows of a result.
  private static let stripRows = 32

  let queries: Range<Int>
  /// From the first on: those that all queries see, then the triangle.
  let keyCount: Int
  /// The first key that not every query sees; `keyCount` if there is none.
  private let triangle: Int

  /// Calls `body` for each block of a segment.
  @inline(__always)
  static func forEach(_ rows: Int, causal: Bool, _ body: (QueryBlock) -> Void) {
    Blocks.forEach(rows, by: Self.rows) { queries in
      body(
        causal
          ? QueryBlock(queries: queries, keyCount: queries.upperBound, triangle: queries.lowerBound)
          : QueryBlock(queries: queries, keyCount: rows, triangle: rows))
    }
  }

  /// The floats of a row of scores: whole panels of the keys of the longest segment.
  static func scoreStride(_ longestSegment: Int) -> Int {
    (longestSegment + Panel.columns - 1) / Panel.columns * Panel.columns
  }

  /// How many keys of a query's row of scores the other products read, from the first on; those behind are undefined.
  @inline(__always)
  func readKeys(_ query: Int) -> Int {
    min(keyCount, triangle + (query - queries.lowerBound) / Self.stripRows * Self.stripRows + Self.stripRows)
  }

  /// Calls `body` for each strip: its queries, counted from the first of the block, which are its keys, counted from the
  /// first of the triangle.
  @inline(__always)
  private func forEachStrip(_ body: (_ strip: Range<Int>) -> Void) {
    Blocks.forEach(keyCount - triangle, by: Self.stripRows, body)
  }

  /// scores[block, keys] = a · bᵀ, where the query sees the key.
  /// - Parameters:
  ///   - a: [block, headSize], queries or gradients of outputs.
  ///   - b: [rows of the segment, headSize], keys or values.
  ///   - scores: [block, scoreStride]
  func scores(_ a: ConstantMatrixView, _ b: ConstantMatrixView, into scores: MatrixView) {
    Blocks.forEach(keyCount, by: Panel.columns) { keys in
      Blocks.forEach(a.columns, by: Panel.terms) { terms in
        let panel = ProductScratch.ofThread.panel
        Panel.pack(
          transposed: b.rows(keys).columns(terms), width: Panel.width(keys.count), into: panel)
        multiply(a, terms, panel, keys, into: scores)
      }
    }
  }

  /// The part of `scores` of one panel of keys, which lies packed at `base`.
  @inline(__always)
  private func multiply(
    _ a: ConstantMatrixView, _ terms: Range<Int>, _ base: FloatPointer, _ keys: Range<Int>,
    into scores: MatrixView
  ) {
    let width = Panel.width(keys.count)
    func multiply(_ rows: Range<Int>, width needed: Int) {
      // Whole panels: what is computed beyond the keys is never read.
      let columns = keys.lowerBound..<keys.lowerBound + needed
      PanelProduct.multiply(
        .rows(a.rows(rows)), terms: terms,
        Panel(columns: columns, base: base, width: needed, rowStride: width),
        adding: terms.lowerBound > 0, into: scores.rows(rows).columns(columns))
    }
    // Queries of the block before `first` see none of these keys, those before `whole` some.
    let first = max(0, keys.lowerBound - triangle)
    let whole = max(first, min(queries.count, keys.upperBound - triangle))
    Blocks.forEach(whole - first, by: Self.stripRows) { strip in
      let needed = min(width, Panel.width(strip.upperBound))
      multiply(first + strip.lowerBound..<first + strip.upperBound, width: needed)
    }
    if whole < queries.count { multiply(whole..<queries.count, width: width) }
  }

  /// c[block, headSize] = weights · b, with weights of 0 where the query does not see the key.
  /// - Parameters:
  ///   - weights: [block, scoreStride], of which `readKeys` are read.
  ///   - b: [rows of the segment, headSize], values or keys.
  func combine(_ weights: ConstantMatrixView, _ b: ConstantMatrixView, into c: MatrixView) {
    Blocks.forEach(triangle, by: Panel.terms) { keys in
      ChainProduct.multiply(
        .rows(weights.columns(keys)), .columns(b.rows(keys)), adding: keys.lowerBound > 0, c)
    }
    forEachStrip { strip in
      let keys = triangle..<triangle + strip.upperBound
      ChainProduct.multiply(
        .rows(weights.rows(strip).columns(keys)), .columns(b.rows(keys)), adding: triangle > 0, c.rows(strip))
    }
  }

  /// c[rows of the segment, headSize] += weightsᵀ · b.
  /// - Parameters:
  ///   - weights: as for `combine`.
  ///   - b: [block, headSize], queries or gradients of outputs.
  func spread(_ weights: ConstantMatrixView, _ b: ConstantMatrixView, addingTo c: MatrixView) {
    if triangle > 0 {
      ChainProduct.multiply(
        .columns(weights.columns(0..<triangle)), .columns(b), adding: true, c.rows(0..<triangle))
    }
    forEachStrip { strip in
      let keys = triangle + strip.lowerBound..<triangle + strip.upperBound
      let seeing = strip.lowerBound..<queries.count
      ChainProduct.multiply(
        .columns(weights.rows(seeing).columns(keys)), .columns(b.rows(seeing)), adding: true, c.rows(keys))
    }
  }
}
