import COpenBLAS

/// Dense matrix products by OpenBLAS. Weights are row-major [out, in]; R rows may be 0.
public enum MatrixProduct {
  /// Keeps OpenBLAS to the calling thread: one rank per core, each with serial products, is the fastest.
  public static func useOneThread() {
    openblas_set_num_threads(1)
  }

  /// y[R, out] = x[R, in] · weight[out, in]ᵀ.
  public static func linear(_ x: MatrixView, weight: MatrixView, into y: MatrixView) {
    product(x, timesTransposed: weight, keeping: 0, y)
  }

  /// y[R, out] += x[R, in] · weight[out, in]ᵀ.
  public static func addLinear(_ x: MatrixView, weight: MatrixView, to y: MatrixView) {
    product(x, timesTransposed: weight, keeping: 1, y)
  }

  /// dx[R, in] = dy[R, out] · weight[out, in].
  public static func inputGradient(_ outputGradient: MatrixView, weight: MatrixView, into dx: MatrixView) {
    product(outputGradient, times: weight, keeping: 0, dx)
  }

  /// dx[R, in] += dy[R, out] · weight[out, in].
  public static func addInputGradient(_ outputGradient: MatrixView, weight: MatrixView, to dx: MatrixView) {
    product(outputGradient, times: weight, keeping: 1, dx)
  }

  /// dW[out, in] += dy[R, out]ᵀ · x[R, in].
  public static func addWeightGradient(
    _ outputGradient: MatrixView, input x: MatrixView, to dW: MatrixView
  ) {
    product(transposed: outputGradient, times: x, keeping: 1, dW)
  }
}

extension MatrixProduct {
  /// c = scale · a bᵀ + keeping · c.
  static func product(
    _ a: MatrixView, timesTransposed b: MatrixView, scale: Float = 1, keeping: Float, _ c: MatrixView
  ) {
    precondition(a.columns == b.columns && c.rows == a.rows && c.columns == b.rows)
    multiply(a, CblasNoTrans, b, CblasTrans, depth: a.columns, scale, keeping, c)
  }

  /// c = scale · a b + keeping · c.
  static func product(
    _ a: MatrixView, times b: MatrixView, scale: Float = 1, keeping: Float, _ c: MatrixView
  ) {
    precondition(a.columns == b.rows && c.rows == a.rows && c.columns == b.columns)
    multiply(a, CblasNoTrans, b, CblasNoTrans, depth: a.columns, scale, keeping, c)
  }

  /// c = scale · aᵀ b + keeping · c.
  static func product(
    transposed a: MatrixView, times b: MatrixView, scale: Float = 1, keeping: Float, _ c: MatrixView
  ) {
    precondition(a.rows == b.rows && c.rows == a.columns && c.columns == b.columns)
    multiply(a, CblasTrans, b, CblasNoTrans, depth: a.rows, scale, keeping, c)
  }

  private static func multiply(
    _ a: MatrixView, _ transposeA: CBLAS_TRANSPOSE, _ b: MatrixView, _ transposeB: CBLAS_TRANSPOSE,
    depth: Int, _ scale: Float, _ keeping: Float, _ c: MatrixView
  ) {
    guard c.rows > 0 && c.columns > 0 else { return }
    cblas_sgemm(
      CblasRowMajor, transposeA, transposeB, Int32(c.rows), Int32(c.columns), Int32(depth), scale,
      a.base, leadingDimension(a), b.base, leadingDimension(b), keeping, c.base, leadingDimension(c))
  }

  /// BLAS wants at least 1, also of a matrix without elements.
  private static func leadingDimension(_ matrix: MatrixView) -> Int32 {
    Int32(max(matrix.stride, 1))
  }
}
