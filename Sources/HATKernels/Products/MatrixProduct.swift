/// Dense matrix products. Weights are row-major [out, in]; R rows may be 0.
///
/// An element of a result depends only on its terms, their order and the arithmetic, not on how many other rows there
/// are or on the place of its row.
public enum MatrixProduct {
  /// y[R, out] = x[R, in] · weight[out, in]ᵀ.
  public static func linear(
    _ x: MatrixView, weight: LinearWeight, into y: MatrixView, by arithmetic: ProductArithmetic
  ) {
    linear(x, weight, adding: false, y, arithmetic)
  }

  /// y[R, out] += x[R, in] · weight[out, in]ᵀ.
  public static func addLinear(
    _ x: MatrixView, weight: LinearWeight, to y: MatrixView, by arithmetic: ProductArithmetic
  ) {
    linear(x, weight, adding: true, y, arithmetic)
  }

  private static func linear(
    _ x: MatrixView, _ weight: LinearWeight, adding: Bool, _ y: MatrixView, _ arithmetic: ProductArithmetic
  ) {
    // Tiles have blocks of their own.
    if let packed = weight.packed, packed.precision == arithmetic.precision,
      arithmetic.instructions != .matrixTiles
    {
      switch arithmetic.precision {
      case .float32: ChainProduct.multiply(.rows(x.constant), times: packed, adding: adding, y)
      case .bf16:
        PairProduct.multiply(
          .rows(x.constant), times: packed, adding: adding, y, by: arithmetic.instructions.pairsWay)
      }
    } else {
      multiply(.rows(x.constant), .rows(weight.matrix), adding: adding, y, arithmetic)
    }
  }

  /// dx[R, in] = dy[R, out] · weight[out, in].
  public static func inputGradient(
    _ outputGradient: MatrixView, weight: ConstantMatrixView, into dx: MatrixView,
    by arithmetic: ProductArithmetic
  ) {
    multiply(.rows(outputGradient.constant), .columns(weight), adding: false, dx, arithmetic)
  }

  /// dW[out, in] = dy[R, out]ᵀ · x[R, in], or added to dW.
  public static func weightGradient(
    _ outputGradient: MatrixView, input x: MatrixView, adding: Bool, into dW: MatrixView,
    by arithmetic: ProductArithmetic
  ) {
    multiply(.columns(outputGradient.constant), .columns(x.constant), adding: adding, dW, arithmetic)
  }

  private static func multiply(
    _ left: ProductOperand, _ right: ProductOperand, adding: Bool, _ c: MatrixView,
    _ arithmetic: ProductArithmetic
  ) {
    switch (arithmetic.precision, arithmetic.instructions) {
    case (_, .matrixTiles): TileProduct.multiply(left, right, adding: adding, c, in: arithmetic.precision)
    case (.float32, _): ChainProduct.multiply(left, right, adding: adding, c)
    case (.bf16, _):
      PairProduct.multiply(left, right, adding: adding, c, by: arithmetic.instructions.pairsWay)
    }
  }
}

/// A weight[out, in] for `MatrixProduct.linear`, with its packed transpose if it serves many products.
public struct LinearWeight {
  public let matrix: ConstantMatrixView
  public let packed: PackedMatrix?

  public init(_ matrix: ConstantMatrixView, packed: PackedMatrix? = nil) {
    (self.matrix, self.packed) = (matrix, packed)
  }

  /// The weight of some of the outputs.
  public func outputs(_ range: Range<Int>) -> LinearWeight {
    LinearWeight(matrix.rows(range), packed: packed?.columns(range))
  }
}
