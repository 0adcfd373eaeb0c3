import CXSMM

/// Where a thread lays out parts of matrices during one product.
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

  static var ofThread: ProductScratch {
    let floats = panelFloats + resultFloats + leftFloats + rightFloats
    guard let base = hat_product_scratch(Int32(floats)) else {
      preconditionFailure("a thread has \(floats * 4) bytes for its products")
    }
    let result = base + panelFloats
    let left = result + resultFloats
    return ProductScratch(panel: base, result: result, leftBlock: left, rightPanels: left + leftFloats)
  }
}
