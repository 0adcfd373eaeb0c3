import CAMX
import CBrainFloat
import CScratch
import HATStorage

/// A thread's room for parts of matrices during one product on vector registers.
struct ProductScratch {
  /// [Panel.terms, Panel.columns]
  let panel: FloatPointer
  /// [PanelProduct.blockRows, Panel.columns]: a block of a result that is narrower than its panel.
  let result: FloatPointer
  /// [TransposedProduct.terms, TransposedProduct.blockRows]: a block of a transposed left-hand side.
  let leftBlock: FloatPointer
  /// The panels of some terms of the right-hand side; `rightFloats` at most.
  let rightPanels: FloatPointer

  /// Two MiB, to be read from the second- or third-level cache.
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

/// A thread's room for split parts of matrices during one product on matrix tiles.
struct TileScratch {
  private let base: FloatPointer
  /// Of each element.
  let parts: Int

  /// Of a panel of 32 lines.
  private static let panelFloats =
    TileBlock.count(TileProduct.termParts) * TileBlock.partBytes / MemoryLayout<Float>.size
  private static let resultFloats = TileBlock.lines * TileBlock.lines
  /// Two panels of the left-hand side: one is split while the other is multiplied.
  private static let panels = 2 + TileProduct.columns / TileBlock.lines
  fileprivate static let floats = panels * panelFloats + resultFloats + Int(HAT_TILE_TRANSPOSED_FLOATS)

  static func ofThread(_ precision: Precision) -> TileScratch {
    TileScratch(base: ThreadScratch.base, parts: precision == .bf16 ? 1 : Int(HAT_TILE_MOST_PARTS))
  }

  /// The blocks of a panel, 32 lines with `terms` terms each.
  func left(_ panel: Int, terms: Int) -> UnsafeMutableRawPointer { blocks(panel % 2, terms) }
  func right(_ panel: Int, terms: Int) -> UnsafeMutableRawPointer { blocks(2 + panel, terms) }

  /// [TileBlock.lines, TileBlock.lines]: a block of a result that is not whole.
  var result: FloatPointer { base + Self.panels * Self.panelFloats }
  var transposed: FloatPointer { result + Self.resultFloats }

  private func blocks(_ panel: Int, _ terms: Int) -> UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(base) + panel * TileBlock.count(terms) * parts * TileBlock.partBytes
  }
}

/// A thread's room for packed parts of matrices during one product of bfloat16.
struct PairScratch {
  let left: UnsafeMutablePointer<UInt32>
  let right: UnsafeMutablePointer<UInt32>

  private static let leftPairs = PairProduct.rows * PairProduct.terms / 2
  /// Four MiB, to be read from the third-level cache.
  private static let rightPairs = 1 << 20
  fileprivate static let floats = leftPairs + rightPairs

  /// The most columns of the right-hand side for which there is room: whole panels.
  static func columns(terms: Int) -> Int {
    let panel = Int(HAT_PAIRS_COLUMNS)
    return rightPairs / ((terms + 1) / 2) / panel * panel
  }

  static var ofThread: PairScratch {
    let base = UnsafeMutableRawPointer(ThreadScratch.base)
      .bindMemory(to: UInt32.self, capacity: floats)
    return PairScratch(left: base, right: base + leftPairs)
  }
}

private enum ThreadScratch {
  /// The calling thread's floats, enough for any kind of product.
  static var base: FloatPointer {
    let floats = max(ProductScratch.floats, max(TileScratch.floats, PairScratch.floats))
    guard let base = hat_thread_scratch(Int32(floats)) else {
      LargeMemory.refuse(floats * MemoryLayout<Float>.size)
    }
    return base
  }
}
