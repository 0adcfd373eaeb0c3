extension StackShape {
  /// Parameters in one block's matrices, its norms left out.
  public var blockMatrixParameters: Int {
    width * queryKeyValueWidth + queryWidth * width + 3 * width * mlpHidden
  }

  /// FLOPs of all blocks' matrices for one row.
  var productFLOPs: Double { 2 * Double(layers * blockMatrixParameters) }

  /// FLOPs of scores and weighted values of one block over a segment, lower triangle.
  func causalScoreFLOPs(rows: Double) -> Double {
    4 * Double(queryWidth) * rows * (rows + 1) / 2
  }
}
