import HATKernels
import Testing

@Suite struct SymmetricProductTests {
  /// Sides around those of blocks, terms from few to many.
  static let shapes = [(1, 1), (7, 3), (63, 20), (64, 64), (65, 300), (130, 17), (257, 33), (330, 520)]

  private func gram(_ x: [[Double]]) -> [[Double]] {
    x.map { a in x.map { b in zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } } }
  }

  private func multiply(
    _ factors: SymmetricProduct.Factors, side: Int, threads: Int, by arithmetic: ProductArithmetic
  )
    -> TestMatrix
  {
    let result = TestMatrix(side, side, gap: 3) { _, _ in .nan }
    SymmetricProduct.multiply(factors, into: result.view, by: arithmetic, on: WorkerPool(threads: threads))
    #expect(result.isIntactOutside)
    return result
  }

  private func isSymmetric(_ matrix: TestMatrix) -> Bool {
    let bits = matrix.bits
    return bits.indices.allSatisfy { row in bits.indices.allSatisfy { bits[row][$0] == bits[$0][row] } }
  }

  @Test(arguments: shapes, ProductArithmetic.available(.float32))
  func productsAreWhatTheyShouldBeOnAnyNumberOfThreads(
    shape: (side: Int, terms: Int), by arithmetic: ProductArithmetic
  ) {
    let (side, terms) = shape
    var generator = SeededGenerator(seed: 5)
    let rows = TestMatrix(random: side, terms, gap: 1, using: &generator)
    let columns = TestMatrix(terms, side, gap: 2) { rows[$1, $0] }
    let expected = gram(rows.doubles)
    // A matrix and its square commute.
    let first = TestMatrix(side, side) { Float(expected[$0][$1] / Double(terms + side)) }
    let square = gram(first.doubles)
    let second = TestMatrix(side, side) { Float(square[$0][$1]) }
    let third = first.doubles.map { row in
      (0..<side).map { column in
        row.indices.reduce(0) { $0 + row[$1] * Double(second[$1, column]) }
      }
    }
    for (factors, expected) in [
      (SymmetricProduct.Factors.rows(rows.view), expected), (.columns(columns.view), expected),
      (.commuting(first.view, second.view), third),
    ] {
      let alone = multiply(factors, side: side, threads: 1, by: arithmetic)
      #expect(largestError(alone, expected) < 3e-6)
      #expect(isSymmetric(alone))
      for threads in [2, 3, 5] {
        #expect(multiply(factors, side: side, threads: threads, by: arithmetic).bits == alone.bits)
      }
    }
  }
}
