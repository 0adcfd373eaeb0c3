/// Dense matrix products. Weights are row-major [out, in]; R rows may be 0.
///
/// An element of a result depends on its terms, in their order, and on the arithmetic alone: not on how many other rows
/// there are or on where its row lies.
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
    switch arithmetic {
    case .fusedMultiplyAdds: ChainProduct.product(x, timesTransposed: weight, adding: adding, y)
    // Splits the weight itself, packed or not.
    case .matrixTiles:
      TileProduct.multiply(.left(rows: x.constant), .right(columns: weight.matrix), adding: adding, y)
    }
  }

  /// dx[R, in] = dy[R, out] · weight[out, in].
  public static func inputGradient(
    _ outputGradient: MatrixView, weight: ConstantMatrixView, into dx: MatrixView,
    by arithmetic: ProductArithmetic
  ) {
    switch arithmetic {
    case .fusedMultiplyAdds: ChainProduct.product(outputGradient, times: weight, adding: false, dx)
    case .matrixTiles:
      TileProduct.multiply(.left(rows: outputGradient.constant), .right(terms: weight), adding: false, dx)
    }
  }

  /// dW[out, in] = dy[R, out]ᵀ · x[R, in], or added to dW.
  public static func weightGradient(
    _ outputGradient: MatrixView, input x: MatrixView, adding: Bool, into dW: MatrixView,
    by arithmetic: ProductArithmetic
  ) {
    switch arithmetic {
    case .fusedMultiplyAdds:
      ChainProduct.product(transposed: outputGradient, times: x.constant, adding: adding, dW)
    case .matrixTiles:
      TileProduct.multiply(
        .left(terms: outputGradient.constant), .right(terms: x.constant), adding: adding, dW)
    }
  }
}

/// A weight[out, in] of `linear`, with its packed transpose where it serves many products.
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
