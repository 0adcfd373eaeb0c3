import HATKernels

/// Orthogonalises a matrix: keeps its singular vectors and brings its singular values near 1, by polynomials of degree 5, one after
/// the other (Newton–Schulz iteration).
///
/// A step is X ← (a + bA + cA²)·X with A = X·Xᵀ. Every step's factor is a polynomial in the first A, so all factors commute:
/// they are multiplied with each other, and with X only once. In the loop only symmetric matrices of the shorter side are
/// multiplied, and of those products half is computed. Legend: n the shorter side, m the longer one.
struct Orthogonalizer {
  private let steps: [Coefficients]
  /// Whether the first A² says how large singular values are, and not the norm of X alone.
  private let measuresByGram: Bool

  private typealias Coefficients = (a: Float, b: Float, c: Float)

  /// Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024.
  private static let jordan: Coefficients = (3.4445, -4.7750, 2.0315)
  /// Of three steps, the composition that is nearest to 1 on [0.001, 1]: Amsel et al., "The Polar Express", arXiv 2505.16932,
  /// theorem 3.1. The tests compute them.
  private static let optimal: [Coefficients] = [
    (8.4703288, -25.1080747, 18.6292756), (4.1828342, -3.1087011, 0.5806067),
    (3.9618573, -2.9540637, 0.5629761),
  ]
  /// Where a matrix has no norm to divide by.
  private static let leastNorm = 1e-7

  init(_ training: TrainingConfiguration) {
    switch training.orthogonalization {
    case .newtonSchulz:
      steps = Array(repeating: Self.jordan, count: training.newtonSchulzSteps)
      measuresByGram = false
    case .polarExpress:
      steps = Self.optimal
      measuresByGram = true
    }
  }

  /// Floats of scratch memory for a matrix of that shape.
  static func scratchFloats(_ shape: [Int]) -> Int { 4 * shape.min()! * shape.min()! }

  /// Floating-point operations for a matrix of that shape: of each symmetric product one half.
  func flops(_ shape: [Int]) -> Double {
    let (n, m) = (Double(shape.min()!), Double(shape.max()!))
    return n * n * m + Double(4 * steps.count - 3) * n * n * n + 2 * n * n * m
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

  /// The product of all factors, [side, side].
  private func factor(
    gramMatrixOf x: SymmetricProduct.Factors, side: Int, _ scratch: FloatPointer, _ resources: UpdateResources
  ) -> MatrixView {
    func square(_ index: Int) -> MatrixView {
      MatrixView(scratch + index * side * side, rows: side, columns: side)
    }
    var (gram, factor, all, spare) = (square(0), square(1), square(2), square(3))
    var root = 1.0
    resources.multiply(x, into: gram)
    for (number, step) in steps.enumerated() {
      resources.multiply(.commuting(gram, gram), into: factor)
      if number == 0 && measuresByGram { root = scale(gram, second: factor, resources) }
      resources.sweep(
        .combine(factor.base, factor: step.c, other: gram.base, otherFactor: step.b), count: side * side)
      for index in 0..<side { factor.row(index)[index] += step.a }
      if number == 0 {
        swap(&all, &factor)
      } else {
        resources.multiply(.commuting(factor, all), into: spare)
        swap(&all, &spare)
      }
      if number == steps.count - 1 { break }
      let last = number == 0 ? all : factor
      resources.multiply(.commuting(gram, last), into: spare)
      resources.multiply(.commuting(spare, last), into: gram)
    }
    if measuresByGram { resources.sweep(.scale(all.base, by: Float(1 / root)), count: side * side) }
    return all
  }

  /// Divides A by a bound of its largest eigenvalue: the root of the norm of A², which is nearer than the square of the norm of X.
  /// - Returns: what singular values are thereby divided by.
  private func scale(_ gram: MatrixView, second: MatrixView, _ resources: UpdateResources) -> Double {
    let count = gram.rows * gram.columns
    let bound = max(Vector.sumOfSquares(second.base, count: count).squareRoot().squareRoot(), Self.leastNorm)
    resources.sweep(.scale(gram.base, by: Float(1 / bound)), count: count)
    resources.sweep(.scale(second.base, by: Float(1 / (bound * bound))), count: count)
    return bound.squareRoot()
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
