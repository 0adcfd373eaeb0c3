import HATKernels
import Testing

/// Products of factors rounded to bfloat16, by instructions where this processor has them, and by conversion.
@Suite struct PairProductTests {
  /// Rows, outputs, inputs: around 6 and 12 rows, 16 and 64 columns, odd terms, and beyond what one run takes of each.
  static let shapes = [
    (1, 1, 1), (5, 15, 2), (6, 16, 3), (7, 17, 31), (12, 63, 32), (13, 64, 33), (25, 65, 64), (241, 130, 40),
    (3, 80, 1537), (500, 7, 771), (2, 2752, 770),
  ]

  /// Matrix tiles have an order of their own (`TileProductTests`).
  private static let ways = ProductArithmetic.available(.bf16).filter {
    $0.hasSameBits(as: .brainFloatByConversion)
  }

  /// To the nearest with eight significant bits, ties to even.
  private func rounded(_ x: Float) -> Float {
    guard x.isNormal else { return x.isFinite ? 0 : x }
    let unit = Float(sign: .plus, exponent: x.exponent - 7, significand: 1)
    return (x / unit).rounded(.toNearestOrEven) * unit
  }

  /// The second term of each pair first.
  private func chains(
    _ rows: Int, _ columns: Int, terms: Int, from start: TestMatrix? = nil,
    _ factors: (_ row: Int, _ column: Int, _ term: Int) -> (Float, Float)
  ) -> [[UInt32]] {
    (0..<rows).map { row in
      (0..<columns).map { column in
        var sum = start?[row, column] ?? 0
        for first in stride(from: 0, to: terms, by: 2) {
          for term in [first + 1, first] where term < terms {
            let (a, b) = factors(row, column, term)
            sum.addProduct(rounded(a), rounded(b))
          }
        }
        return sum.bitPattern
      }
    }
  }

  @Test(arguments: shapes, ways)
  func everyElementIsOneChainOfRoundedPairs(
    shape: (rows: Int, outputs: Int, inputs: Int), by arithmetic: ProductArithmetic
  ) {
    let (rows, outputs, inputs) = shape
    var generator = SeededGenerator(seed: 81)
    let x = TestMatrix(random: rows, inputs, gap: 1, using: &generator)
    let weight = TestMatrix(random: outputs, inputs, gap: 2, using: &generator)
    let dy = TestMatrix(random: rows, outputs, gap: 3, using: &generator)
    let dWeight = TestMatrix(random: outputs, inputs, gap: 4, using: &generator)
    let before = TestMatrix(copying: dWeight)
    let y = TestMatrix(rows, outputs, gap: 5) { _, _ in .nan }
    let dx = TestMatrix(rows, inputs, gap: 5) { _, _ in .nan }

    let linear = LinearWeight(weight.constant)
    MatrixProduct.linear(x.view, weight: linear, into: y.view, by: arithmetic)
    #expect(y.bits == chains(rows, outputs, terms: inputs) { (x[$0, $2], weight[$1, $2]) })
    let first = TestMatrix(copying: y)
    MatrixProduct.addLinear(x.view, weight: linear, to: y.view, by: arithmetic)
    #expect(y.bits == chains(rows, outputs, terms: inputs, from: first) { (x[$0, $2], weight[$1, $2]) })
    MatrixProduct.inputGradient(dy.view, weight: weight.constant, into: dx.view, by: arithmetic)
    #expect(dx.bits == chains(rows, inputs, terms: outputs) { (dy[$0, $2], weight[$2, $1]) })
    MatrixProduct.weightGradient(dy.view, input: x.view, adding: true, into: dWeight.view, by: arithmetic)
    #expect(dWeight.bits == chains(outputs, inputs, terms: rows, from: before) { (dy[$2, $0], x[$2, $1]) })
    #expect(y.isIntactOutside && dx.isIntactOutside && dWeight.isIntactOutside)
  }

  /// What lets the threads of a rank share a product, and words in other tiles be the same words.
  @Test(arguments: ways)
  func aRowDependsNeitherOnTheRowsAroundItNorOnWhichColumnsAreAskedFor(by arithmetic: ProductArithmetic) {
    var generator = SeededGenerator(seed: 82)
    let x = TestMatrix(random: 33, 70, using: &generator)
    let weight = TestMatrix(random: 200, 70, using: &generator)
    let whole = TestMatrix(33, 200)
    MatrixProduct.linear(x.view, weight: LinearWeight(weight.constant), into: whole.view, by: arithmetic)
    for row in [0, 16, 32] {
      let alone = TestMatrix(1, 136)
      MatrixProduct.linear(
        x.view.rows(row..<row + 1), weight: LinearWeight(weight.constant).outputs(64..<200), into: alone.view,
        by: arithmetic)
      #expect(alone.bits[0] == Array(whole.bits[row][64...]))
    }
  }

  /// Whole panels, of the width that the precision and the processor's registers give them, and other columns.
  @Test(arguments: ways + [.fusedMultiplyAdds])
  func someOutputsOfAPackedWeightAreThoseOfTheWhole(by arithmetic: ProductArithmetic) {
    var generator = SeededGenerator(seed: 83)
    let x = TestMatrix(random: 5, 70, using: &generator)
    let weight = TestMatrix(random: 200, 70, using: &generator)
    let storage = FloatBuffer(
      zeroed: PackedMatrix.floats(columns: 200, terms: 70, in: arithmetic.precision))
    let packed = LinearWeight(
      weight.constant,
      packed: PackedMatrix(transposing: weight.constant, in: arithmetic.precision, into: storage.base))
    let whole = TestMatrix(5, 200)
    MatrixProduct.linear(x.view, weight: LinearWeight(weight.constant), into: whole.view, by: arithmetic)
    for outputs in [0..<64, 32..<96, 64..<192, 128..<200, 160..<200, 40..<72] {
      let some = TestMatrix(5, outputs.count)
      MatrixProduct.linear(x.view, weight: packed.outputs(outputs), into: some.view, by: arithmetic)
      #expect(some.bits == whole.bits.map { Array($0[outputs]) }, "\(outputs)")
    }
  }

  @Test(arguments: shapes, ways)
  func aPackedWeightGivesTheSameBits(
    shape: (rows: Int, outputs: Int, inputs: Int), by arithmetic: ProductArithmetic
  ) {
    let (rows, outputs, inputs) = shape
    var generator = SeededGenerator(seed: 83)
    let x = TestMatrix(random: rows, inputs, gap: 1, using: &generator)
    let weight = TestMatrix(random: outputs, inputs, gap: 2, using: &generator)
    let floats = PackedMatrix.floats(columns: outputs, terms: inputs, in: .bf16)
    let storage = FloatBuffer(zeroed: floats)
    let packed = LinearWeight(
      weight.constant,
      packed: PackedMatrix(transposing: weight.constant, in: .bf16, into: storage.base))
    let (y, expected) = (TestMatrix(rows, outputs, gap: 3), TestMatrix(rows, outputs, gap: 3))
    MatrixProduct.linear(x.view, weight: LinearWeight(weight.constant), into: expected.view, by: arithmetic)
    MatrixProduct.linear(x.view, weight: packed, into: y.view, by: arithmetic)
    #expect(y.bits == expected.bits && y.isIntactOutside)
    let columns = 64 * (outputs / 128)..<outputs
    let part = TestMatrix(rows, columns.count)
    MatrixProduct.linear(x.view, weight: packed.outputs(columns), into: part.view, by: arithmetic)
    #expect(part.bits == expected.bits.map { Array($0[columns]) })
  }

  /// Ties, denormals, and what is not finite.
  @Test(arguments: ways)
  func factorsAreRoundedAsBfloat16Is(by arithmetic: ProductArithmetic) {
    let values: [Float] = [
      1 + 1 / 256, 1 + 3 / 256, -1 - 1 / 256, 3.4e38, 1e-39, -0.0, .leastNormalMagnitude, .infinity,
      1 + 1 / 128 + 1 / 512,
    ]
    let expected: [Float] = [
      1, 1 + 4 / 256, -1, .infinity, 0, 0, .leastNormalMagnitude, .infinity, 1 + 1 / 128,
    ]
    let x = TestMatrix(values.count, 1) { row, _ in values[row] }
    let y = TestMatrix(values.count, 1)
    let one = TestMatrix([1])
    MatrixProduct.linear(x.view, weight: LinearWeight(one.constant), into: y.view, by: arithmetic)
    for row in values.indices { #expect(y[row, 0] == expected[row]) }
    let noNumber = TestMatrix([.nan])
    let result = TestMatrix([0])
    MatrixProduct.linear(noNumber.view, weight: LinearWeight(one.constant), into: result.view, by: arithmetic)
    #expect(result[0, 0].isNaN)
  }

  /// A product below the smallest normal float still counts in a sum; a sum as small does not.
  @Test(arguments: ways)
  func productsAreExactAndDenormalSumsAreZero(by arithmetic: ProductArithmetic) {
    func power(_ exponent: Int) -> Float { Float(sign: .plus, exponent: exponent, significand: 1) }
    let before = [power(-125), 1.5 * power(-126), 0]
    let factors = [power(-67), -power(-66), power(-67)]
    let after = [1.25 * power(-125), 0, 0]
    let (x, weight) = (TestMatrix([power(-60)]), TestMatrix(3, 1) { row, _ in factors[row] })
    let y = TestMatrix(before)
    MatrixProduct.addLinear(x.view, weight: LinearWeight(weight.constant), to: y.view, by: arithmetic)
    for column in 0..<3 { #expect(y[0, column] == after[column], "\(before[column])") }
  }
}
