import CXSMM

/// Where a thread lays out parts of matrices during one product on vector registers.
struct ProductScratch {
  /// [Panel.terms, Panel.columns]
  let panel: FloatPointer
  /// [PanelProduct.blockRows, Panel.columns]: a block of a result that does not end where its panel does.
  let result: FloatPointer
  /// [TransposedProduct.terms, TransposedProduct.blockRows]
  let leftBlock: FloatPointer
  /// The panels of some terms of the right-hand side, `rightFloats` at most.
  let rightPanels: FloatPointer

  /// Two MiB: they come from the second-level cache, or the one behind it.
  static let rightFloats = 512 << 10

  private static let panelFloats = Panel.terms * Panel.columns
  private static let resultFloats = PanelProduct.blockRows * Panel.columns
  private static let leftFloats = TransposedProduct.terms * TransposedProduct.blockRows
  fileprivate static let floats = panelFloats + resultFloats + leftFloats + rightFloats

  static var ofThread: ProductScratch {
    let base = ThreadScratch.base
    let result = base + panelFloats
    let left = result + resultFloats
    return ProductScratch(panel: base, result: result, leftBlock: left, rightPanels: left + leftFloats)
  }
}

/// The same during one product on matrix tiles.
struct TileScratch {
  let left: TileBlocks
  let right: TileBlocks
  /// [TileBlocks.lines, TileBlocks.lines]: a block of a result that is not whole.
  let result: FloatPointer

  private static let leftFloats = blockFloats(lines: TileProduct.rows)
  private static let rightFloats = blockFloats(lines: TileProduct.columns)
  fileprivate static let floats = leftFloats + rightFloats + TileBlocks.lines * TileBlocks.lines

  private static func blockFloats(lines: Int) -> Int {
    lines / TileBlocks.lines * TileBlocks.count(terms: TileProduct.terms) * TileBlocks.bytes
      / MemoryLayout<Float>.size
  }

  static var ofThread: TileScratch {
    let base = ThreadScratch.base
    let right = base + leftFloats
    return TileScratch(
      left: TileBlocks(base: UnsafeMutableRawPointer(base)),
      right: TileBlocks(base: UnsafeMutableRawPointer(right)), result: right + rightFloats)
  }
}

private enum ThreadScratch {
  /// Floats of the calling thread, enough for either product.
  static var base: FloatPointer {
    let floats = max(ProductScratch.floats, TileScratch.floats)
    guard let base = hat_product_scratch(Int32(floats)) else {
      preconditionFailure("a thread has \(floats * 4) bytes for its products")
    }
    return base
  }
}
