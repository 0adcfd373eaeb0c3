/// A product whose result is symmetric: the blocks on and above the diagonal are computed, the others are their mirror
/// images. The threads of a pool share the blocks.
///
/// An element depends only on its terms, their order and the arithmetic, not on the number of threads.
public struct SymmetricProduct: PoolWork {
  /// What is multiplied.
  public enum Factors {
    /// x · xᵀ, of x[n, terms].
    case rows(MatrixView)
    /// xᵀ · x, of x[terms, n].
    case columns(MatrixView)
    /// a · b, of symmetric matrices [n, n] that commute.
    case commuting(MatrixView, MatrixView)
  }

  /// Columns of a block: whole panels.
  private static let blockColumns = 64
  /// Rows of a block, at most: a multiple of its columns.
  private static let blockRows = 256

  private let factors: Factors
  /// [n, n]; none of the factors.
  private let result: MatrixView
  private let arithmetic: ProductArithmetic
  private let shares: Int

  /// - Parameter shares: the number of threads that share the blocks.
  public init(_ factors: Factors, into result: MatrixView, by arithmetic: ProductArithmetic, shares: Int) {
    precondition(result.rows == result.columns && shares > 0)
    (self.factors, self.result, self.arithmetic, self.shares) = (factors, result, arithmetic, shares)
  }

  /// Computes the product on the threads of `pool`.
  public static func multiply(
    _ factors: Factors, into result: MatrixView, by arithmetic: ProductArithmetic, on pool: WorkerPool
  ) {
    pool.split(
      pool.threads, unit: 1,
      SymmetricProduct(factors, into: result, by: arithmetic, shares: pool.threads))
  }

  /// - Parameter range: of the shares.
  public func perform(_ range: Range<Int>, part: Int) {
    var number = 0
    for start in stride(from: 0, to: result.columns, by: Self.blockColumns) {
      let columns = start..<min(start + Self.blockColumns, result.columns)
      Blocks.forEach(columns.upperBound, by: Self.blockRows) { rows in
        if range.contains(share(ofBlock: number)) { compute(rows, columns) }
        number += 1
      }
    }
  }

  /// Blocks grow from column to column. To and fro, every thread gets large ones and small ones.
  private func share(ofBlock number: Int) -> Int {
    let (round, place) = number.quotientAndRemainder(dividingBy: shares)
    return round % 2 == 0 ? place : shares - 1 - place
  }

  private func compute(_ rows: Range<Int>, _ columns: Range<Int>) {
    let block = result.rows(rows).columns(columns)
    switch factors {
    case .rows(let x):
      MatrixProduct.linear(
        x.rows(rows), weight: LinearWeight(x.rows(columns).constant), into: block, by: arithmetic)
    case .columns(let x):
      MatrixProduct.weightGradient(
        x.columns(rows), input: x.columns(columns), adding: false, into: block, by: arithmetic)
    case .commuting(let a, let b):
      MatrixProduct.inputGradient(
        a.rows(rows), weight: b.columns(columns).constant, into: block, by: arithmetic)
    }
    mirror(rows, columns)
  }

  private func mirror(_ rows: Range<Int>, _ columns: Range<Int>) {
    let above = rows.clamped(to: 0..<columns.lowerBound)
    result.rows(columns).columns(above).copy(transposing: result.rows(above).columns(columns).constant)
    for row in rows.clamped(to: columns) {
      for column in row + 1..<max(row + 1, columns.upperBound) {
        result.row(column)[row] = result.row(row)[column]
      }
    }
  }
}
