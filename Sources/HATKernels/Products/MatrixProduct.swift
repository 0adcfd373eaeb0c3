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
    switch arithmetic {
    case .fusedMultiplyAdds:
      if let packed = weight.packed {
        ChainProduct.product(x.constant, times: packed, adding: adding, y)
      } else {
        ChainProduct.product(x.constant, timesTransposed: weight.matrix, adding: adding, y)
      }
    // Tiles need the weight split into parts, so a packed one does not help.
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
    case .fusedMultiplyAdds: ChainProduct.product(outputGradient.constant, times: weight, adding: false, dx)
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
      ChainProduct.product(transposed: outputGradient.constant, times: x.constant, adding: adding, dW)
    case .matrixTiles:
      TileProduct.multiply(
        .left(terms: outputGradient.constant), .right(terms: x.constant), adding: adding, dW)
    }
  }
}

/// How the elements of a matrix product are computed. The results differ by roundings. With either, an element depends
/// on nothing but its terms and their places in its sum.
public enum ProductArithmetic: String, Sendable, Codable, CaseIterable {
  /// One chain of fused multiply-adds, in the order of the terms: the same bits on every processor.
  case fusedMultiplyAdds = "fma"
  /// Each factor is split into three bfloat16 whose sum it is; the six products of parts that matter in a float32 are
  /// summed as floats on the processor's matrix tiles (see `TileProduct`). It is as accurate as `fusedMultiplyAdds` or
  /// better, and gives the same bits on every processor that has tiles.
  case matrixTiles = "amx"

  /// Whether this processor has it.
  public var isAvailable: Bool { self == .fusedMultiplyAdds || Processor.hasMatrixTiles }
  /// Those that this processor has.
  public static var available: [ProductArithmetic] { allCases.filter(\.isAvailable) }
  /// The fastest that this processor has.
  public static var fastest: ProductArithmetic {
    Processor.hasMatrixTiles ? .matrixTiles : .fusedMultiplyAdds
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
