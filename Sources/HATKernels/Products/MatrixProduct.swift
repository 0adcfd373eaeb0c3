/// Dense matrix products. Weights are row-major [out, in]; R rows may be 0.
///
/// Every element of a result is one chain of fused multiply-adds in the order of the terms. It does not depend on how
/// many other rows there are, on where its row lies, or on how wide the processor's registers are.
public enum MatrixProduct {
  /// y[R, out] = x[R, in] · weight[out, in]ᵀ.
  public static func linear(_ x: MatrixView, weight: MatrixView, into y: MatrixView) {
    product(x, timesTransposed: weight, adding: false, y)
  }

  /// y[R, out] += x[R, in] · weight[out, in]ᵀ.
  public static func addLinear(_ x: MatrixView, weight: MatrixView, to y: MatrixView) {
    product(x, timesTransposed: weight, adding: true, y)
  }

  /// dx[R, in] = dy[R, out] · weight[out, in].
  public static func inputGradient(_ outputGradient: MatrixView, weight: MatrixView, into dx: MatrixView) {
    product(outputGradient, times: weight, adding: false, dx)
  }

  /// dx[R, in] += dy[R, out] · weight[out, in].
  public static func addInputGradient(_ outputGradient: MatrixView, weight: MatrixView, to dx: MatrixView) {
    product(outputGradient, times: weight, adding: true, dx)
  }

  /// dW[out, in] += dy[R, out]ᵀ · x[R, in].
  public static func addWeightGradient(
    _ outputGradient: MatrixView, input x: MatrixView, to dW: MatrixView
  ) {
    product(transposed: outputGradient, times: x, adding: true, dW)
  }
}

extension MatrixProduct {
  /// c = a bᵀ, or added to c.
  static func product(
    _ a: MatrixView, timesTransposed b: MatrixView, adding: Bool, _ c: MatrixView
  ) {
    precondition(a.columns == b.columns && c.rows == a.rows && c.columns == b.rows)
    forEachStep(c, depth: a.columns, adding: adding) { columns, terms, step in
      Panel.pack(transposed: b.rows(columns).columns(terms), width: step.width, into: step.panel)
      step.multiply(a.columns(terms), isTransposed: false)
    }
  }

  /// c = a b, or added to c.
  static func product(
    _ a: MatrixView, times b: MatrixView, adding: Bool, _ c: MatrixView
  ) {
    precondition(a.columns == b.rows && c.rows == a.rows && c.columns == b.columns)
    forEachStep(c, depth: a.columns, adding: adding) { columns, terms, step in
      Panel.pack(b.rows(terms).columns(columns), width: step.width, into: step.panel)
      step.multiply(a.columns(terms), isTransposed: false)
    }
  }

  /// c = aᵀ b, or added to c.
  static func product(
    transposed a: MatrixView, times b: MatrixView, adding: Bool, _ c: MatrixView
  ) {
    precondition(a.rows == b.rows && c.rows == a.columns && c.columns == b.columns)
    forEachStep(c, depth: a.rows, adding: adding) { columns, terms, step in
      Panel.pack(b.rows(terms).columns(columns), width: step.width, into: step.panel)
      step.multiply(a.rows(terms), isTransposed: true)
    }
  }

  /// Calls `body` for each panel of columns of `c` and each run of terms of its sums, in order.
  @inline(__always)
  private static func forEachStep(
    _ c: MatrixView, depth: Int, adding: Bool,
    _ body: (_ columns: Range<Int>, _ terms: Range<Int>, _ step: PanelProduct) -> Void
  ) {
    guard c.rows > 0 && c.columns > 0 else { return }
    if depth == 0 && !adding { c.fillZero() }
    for first in stride(from: 0, to: c.columns, by: Panel.columns) {
      let columns = first..<min(first + Panel.columns, c.columns)
      for start in stride(from: 0, to: depth, by: Panel.terms) {
        let terms = start..<min(start + Panel.terms, depth)
        body(columns, terms, PanelProduct(into: c.columns(columns), adding: adding || start > 0))
      }
    }
  }
}
