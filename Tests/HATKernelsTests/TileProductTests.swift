import HATKernels
import Testing

@Suite(.enabled(if: Processor.hasMatrixTiles, "this processor has no matrix tiles"))
struct TileProductTests {
  /// Rows, outputs, inputs: around 32, and beyond what one run through the result takes of each.
  static let shapes = [
    (1, 1, 1), (31, 33, 15), (32, 32, 32), (33, 40, 17), (65, 300, 70), (1056, 3, 33), (40, 48, 1100),
  ]

  /// Between a result in doubles and one in floats: the root of the sum of squares, relative.
  private func error(_ actual: [Float], _ exact: [Double]) -> Double {
    let difference = zip(actual, exact).reduce(0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
    return (difference / exact.reduce(0) { $0 + $1 * $1 }).squareRoot()
  }

  private func linear(_ x: TestMatrix, _ weight: TestMatrix, by arithmetic: ProductArithmetic) -> TestMatrix {
    let y = TestMatrix(x.rows, weight.rows, gap: 3) { _, _ in .nan }
    MatrixProduct.linear(x.view, weight: LinearWeight(weight.constant), into: y.view, by: arithmetic)
    #expect(y.isIntactOutside)
    return y
  }

  private func values(_ matrix: TestMatrix) -> [Float] {
    (0..<matrix.rows).flatMap { row in (0..<matrix.columns).map { matrix[row, $0] } }
  }

  /// What lets tiles be the default: they lose no accuracy.
  @Test(arguments: [16, 128, 768, 4096])
  func theErrorIsAtMostThatOfAChainOfFusedMultiplyAdds(terms: Int) {
    var generator = SeededGenerator(seed: 71)
    let x = TestMatrix(random: 64, terms, using: &generator)
    let weight = TestMatrix(random: 48, terms, using: &generator)
    let exact = x.doubles.flatMap { row in
      weight.doubles.map { zip(row, $0).reduce(0) { $0 + $1.0 * $1.1 } }
    }
    let tiles = error(values(linear(x, weight, by: .matrixTiles)), exact)
    let chain = error(values(linear(x, weight, by: .fusedMultiplyAdds)), exact)
    #expect(tiles <= chain)
    #expect(tiles < 6e-7)
  }

  /// A float has 24 significant bits: none of them may get lost, whatever its size.
  @Test func aProductWithOneIsExact() {
    var generator = SeededGenerator(seed: 72)
    let x = TestMatrix(40, 33) { _, _ in
      Float(
        sign: Bool.random(using: &generator) ? .plus : .minus,
        exponent: Int.random(in: -100...100, using: &generator),
        significand: Float.random(in: 1..<2, using: &generator))
    }
    let one = TestMatrix(33, 33) { $0 == $1 ? 1 : 0 }
    #expect(linear(x, one, by: .matrixTiles).bits == x.bits)
    #expect(
      linear(one, x, by: .matrixTiles).bits == (0..<33).map { row in (0..<40).map { x[$0, row].bitPattern } })
  }

  /// The gradient of an unlikely byte is one: what is lost of it must be small too.
  @Test func factorsNearTheSmallestThereAreLoseNoMoreThanThat() {
    var generator = SeededGenerator(seed: 75)
    let x = TestMatrix(64, 64) { _, _ in
      Float(bitPattern: UInt32.random(in: 0...0x1800_0000, using: &generator))
        * (Bool.random(using: &generator) ? 1 : -1)
    }
    let one = TestMatrix(64, 64) { $0 == $1 ? 1 : 0 }
    for (y, expected) in [
      (linear(x, one, by: .matrixTiles), x),
      (linear(one, x, by: .matrixTiles), TestMatrix(64, 64) { x[$1, $0] }),
    ] {
      for row in 0..<64 {
        for column in 0..<64 {
          #expect(abs(y[row, column] - expected[row, column]) <= 3 * Float.leastNormalMagnitude)
        }
      }
    }
  }

  @Test(arguments: shapes, [ProductArithmetic.matrixTiles, .brainFloatTiles])
  func aRowDependsNeitherOnTheRowsAroundItNorOnWhichColumnsAreAskedFor(
    shape: (rows: Int, outputs: Int, inputs: Int), by tiles: ProductArithmetic
  ) {
    let (rows, outputs, inputs) = shape
    var generator = SeededGenerator(seed: 73)
    let x = TestMatrix(random: rows, inputs, gap: 1, using: &generator)
    let weight = TestMatrix(random: outputs, inputs, gap: 2, using: &generator)
    let whole = linear(x, weight, by: tiles)
    for row in [0, rows / 2, rows - 1] {
      let alone = TestMatrix(1, outputs) { _, _ in .nan }
      MatrixProduct.linear(
        x.view.rows(row..<row + 1), weight: LinearWeight(weight.constant), into: alone.view, by: tiles)
      #expect(alone.bits[0] == whole.bits[row])
    }
    let column = outputs / 2
    let part = TestMatrix(rows, outputs - column) { _, _ in .nan }
    MatrixProduct.linear(
      x.view, weight: LinearWeight(weight.constant).outputs(column..<outputs), into: part.view,
      by: tiles)
    #expect(part.bits == whole.bits.map { Array($0[column...]) })
  }

  /// All three kinds of product agree on the same sums: the ways the sides are read hold the same parts.
  @Test(arguments: shapes, [ProductArithmetic.matrixTiles, .brainFloatTiles])
  func everyLayoutGivesTheSameBits(
    shape: (rows: Int, outputs: Int, inputs: Int), by tiles: ProductArithmetic
  ) {
    let (rows, outputs, inputs) = shape
    var generator = SeededGenerator(seed: 74)
    let x = TestMatrix(random: rows, inputs, gap: 1, using: &generator)
    let weight = TestMatrix(random: outputs, inputs, gap: 2, using: &generator)
    let (xAcross, weightAcross) = (
      TestMatrix(inputs, rows) { x[$1, $0] }, TestMatrix(inputs, outputs) { weight[$1, $0] }
    )
    let y = linear(x, weight, by: tiles)
    let second = TestMatrix(rows, outputs) { _, _ in .nan }
    MatrixProduct.inputGradient(x.view, weight: weightAcross.constant, into: second.view, by: tiles)
    #expect(second.bits == y.bits)
    let third = TestMatrix(rows, outputs)
    MatrixProduct.weightGradient(
      xAcross.view, input: weightAcross.view, adding: true, into: third.view, by: tiles)
    #expect(third.bits == y.bits)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity], [ProductArithmetic.matrixTiles, .brainFloatTiles])
  func whatIsNotFiniteStaysVisible(value: Float, by tiles: ProductArithmetic) {
    let x = TestMatrix(33, 40) { $0 == 32 && $1 == 39 ? value : 1 }
    let y = linear(x, TestMatrix(2, 40) { _, _ in 1 }, by: tiles)
    #expect(!y[32, 0].isFinite && !y[32, 1].isFinite)
    #expect(y[31, 0] == 40)
  }

  /// Of each 32 terms the first sixteen and the others apart (Intel, Software Developer's Manual, TDPBF16PS).
  @Test(arguments: shapes)
  func inBrainFloatEveryElementIsTheSumOfRoundedTermsInTheOrderOfTiles(rows: Int, outputs: Int, inputs: Int) {
    var generator = SeededGenerator(seed: 76)
    let x = TestMatrix(random: rows, inputs, gap: 1, using: &generator)
    let weight = TestMatrix(random: outputs, inputs, gap: 2, using: &generator)
    let y = linear(x, weight, by: .brainFloatTiles)
    func rounded(_ x: Float) -> Float {
      let unit = Float(sign: .plus, exponent: x.exponent - 7, significand: 1)
      return x == 0 ? 0 : (x / unit).rounded(.toNearestOrEven) * unit
    }
    func sum(_ row: Int, _ column: Int, from start: Float) -> Float {
      stride(from: 0, to: inputs, by: 32).reduce(start) { sum, block in
        let halves = [block, block + 16].map { start in
          (start..<max(start, min(start + 16, inputs))).reduce(Float(0)) {
            $0.addingProduct(rounded(x[row, $1]), rounded(weight[column, $1]))
          }
        }
        return sum + (halves[0] + halves[1])
      }
    }
    let added = TestMatrix(copying: y)
    MatrixProduct.addLinear(
      x.view, weight: LinearWeight(weight.constant), to: added.view, by: .brainFloatTiles)
    for row in 0..<rows {
      for column in 0..<outputs {
        #expect(y[row, column] == sum(row, column, from: 0))
        #expect(added[row, column] == sum(row, column, from: y[row, column]))
      }
    }
    #expect(added.isIntactOutside)
  }
}
