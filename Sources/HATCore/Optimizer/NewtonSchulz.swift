import HATKernels

/// Orthogonalises a matrix: keeps its singular vectors and brings its singular values near 1 (Newton–Schulz iteration with
/// the coefficients of Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024).
///
/// A step is X ← (a + bA + cA²)·X with A = X·Xᵀ. Every step's factor is a polynomial in the first A, so all factors commute:
/// they are multiplied with each other, and with X only once. In the loop only symmetric matrices of the shorter side are
/// multiplied, and of those products half is computed. Legend: n the shorter side, m the longer one.
struct NewtonSchulz {
  let steps: Int

  private static let (a, b, c): (Float, Float, Float) = (3.4445, -4.7750, 2.0315)
  /// Where a matrix has no norm to divide by.
  private static let leastNorm = 1e-7

  /// Floats of scratch memory for a matrix of that shape.
  static func scratchFloats(_ shape: [Int]) -> Int { 4 * shape.min()! * shape.min()! }

  /// Floating-point operations for a matrix of that shape: of each symmetric product one half.
  func flops(_ shape: [Int]) -> Double {
    let (n, m) = (Double(shape.min()!), Double(shape.max()!))
    return n * n * m + Double(4 * steps - 3) * n * n * n + 2 * n * n * m
  }

  /// Writes the orthogonalised `x` to `result`.
  /// - Parameters:
  ///   - x: [rows, columns], without gaps; divided by its norm.
  ///   - result: of the same shape; another matrix.
  ///   - scratch: [scratchFloats]
  func orthogonalize(
    _ x: MatrixView, into result: MatrixView, scratch: FloatPointer, _ resources: UpdateResources
  ) {
    precondition(x.isContiguous && result.isContiguous)
    let count = x.rows * x.columns
    let norm = max(Vector.sumOfSquares(x.base, count: count).squareRoot(), Self.leastNorm)
    resources.sweep(.scale(x.base, by: Float(1 / norm)), count: count)
    let isTall = x.rows > x.columns
    let factor = factor(
      gramMatrixOf: isTall ? .columns(x) : .rows(x), side: min(x.rows, x.columns), scratch,
      resources)
    resources.multiply(isTall ? x : factor, isTall ? factor : x, into: result)
  }

  /// The product of the factors of all steps, [side, side].
  private func factor(
    gramMatrixOf x: SymmetricProduct.Factors, side: Int, _ scratch: FloatPointer, _ resources: UpdateResources
  ) -> MatrixView {
    func square(_ index: Int) -> MatrixView {
      MatrixView(scratch + index * side * side, rows: side, columns: side)
    }
    var (gram, factor, all, spare) = (square(0), square(1), square(2), square(3))
    resources.multiply(x, into: gram)
    for step in 1...steps {
      resources.multiply(.commuting(gram, gram), into: factor)
      resources.sweep(
        .combine(factor.base, factor: Self.c, other: gram.base, otherFactor: Self.b), count: side * side)
      for index in 0..<side { factor.row(index)[index] += Self.a }
      if step == 1 {
        swap(&all, &factor)
      } else {
        resources.multiply(.commuting(factor, all), into: spare)
        swap(&all, &spare)
      }
      if step == steps { break }
      let last = step == 1 ? all : factor
      resources.multiply(.commuting(gram, last), into: spare)
      resources.multiply(.commuting(spare, last), into: gram)
    }
    return all
  }
}

extension UpdateResources {
  fileprivate func multiply(_ factors: SymmetricProduct.Factors, into result: MatrixView) {
    SymmetricProduct.multiply(factors, into: result, by: arithmetic, on: workers)
  }

  /// result = a · b
  fileprivate func multiply(_ a: MatrixView, _ b: MatrixView, into result: MatrixView) {
    workers.split(
      result.columns, unit: ModelKernels.productColumns,
      KernelWork.inputGradient(a, weight: b.constant, into: result, by: arithmetic))
  }
}
