import Glibc
import HATKernels
import Testing

@Suite struct MatrixProductTests {
  static let shapes = [(0, 4, 3), (1, 1, 1), (5, 7, 3), (33, 17, 40), (64, 96, 32)]

  private func multiply(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
    a.map { row in b[0].indices.map { column in zip(row, b).reduce(0) { $0 + $1.0 * $1.1[column] } } }
  }

  private func transpose(_ a: [[Double]], columns: Int) -> [[Double]] {
    (0..<columns).map { column in a.map { $0[column] } }
  }

  private func plus(_ a: [[Double]], _ number: Double) -> [[Double]] { a.map { $0.map { $0 + number } } }

  @Test(arguments: shapes, ProductArithmetic.available(.float32))
  func productsFollowTheirShapes(
    shape: (rows: Int, outputs: Int, inputs: Int), by arithmetic: ProductArithmetic
  ) {
    let (rows, outputs, inputs) = shape
    var generator = SeededGenerator(seed: 14)
    let x = TestMatrix(random: rows, inputs, gap: 1, using: &generator)
    let weight = TestMatrix(random: outputs, inputs, gap: 2, using: &generator)
    let dy = TestMatrix(random: rows, outputs, gap: 3, using: &generator)

    let y = TestMatrix(rows, outputs, gap: 5) { _, _ in .nan }
    let expectedY = multiply(x.doubles, transpose(weight.doubles, columns: inputs))
    let linear = LinearWeight(weight.constant)
    MatrixProduct.linear(x.view, weight: linear, into: y.view, by: arithmetic)
    #expect(largestError(y, expectedY) < 2e-6)
    MatrixProduct.addLinear(x.view, weight: linear, to: y.view, by: arithmetic)
    #expect(largestError(y, expectedY.map { $0.map { 2 * $0 } }) < 2e-6)

    let dx = TestMatrix(rows, inputs, gap: 5) { _, _ in .nan }
    MatrixProduct.inputGradient(dy.view, weight: weight.constant, into: dx.view, by: arithmetic)
    #expect(largestError(dx, multiply(dy.doubles, weight.doubles)) < 2e-6)

    let dWeight = TestMatrix(outputs, inputs, gap: 5) { _, _ in 1 }
    let expectedWeight = transpose(dy.doubles, columns: outputs).map { column in
      (0..<inputs).map { input in 1 + zip(column, x.doubles).reduce(0) { $0 + $1.0 * $1.1[input] } }
    }
    MatrixProduct.weightGradient(
      dy.view, input: x.view, adding: true, into: dWeight.view, by: arithmetic)
    #expect(largestError(dWeight, expectedWeight) < 2e-6)
    let alone = TestMatrix(outputs, inputs, gap: 5) { _, _ in .nan }
    MatrixProduct.weightGradient(dy.view, input: x.view, adding: false, into: alone.view, by: arithmetic)
    #expect(largestError(alone, expectedWeight.map { $0.map { $0 - 1 } }) < 2e-6)
    #expect(alone.isIntactOutside)
    #expect(y.isIntactOutside && dx.isIntactOutside && dWeight.isIntactOutside)
  }

  /// Widths around those of registers and panels, rows around those of blocks, terms around those of a panel.
  static let chainShapes = [
    (1, 1, 1), (3, 16, 5), (7, 17, 8), (31, 48, 12), (32, 64, 64), (33, 65, 9), (40, 80, 100), (95, 100, 33),
    (96, 128, 511), (5, 96, 512), (2, 144, 1030), (70, 33, 513),
    (255, 33, 17), (256, 33, 17), (530, 260, 12), (300, 3, 2100),
  ]

  /// What makes a row's result independent of the rows around it, and of the processor.
  @Test(arguments: chainShapes)
  func everyElementIsOneChainOfFusedMultiplyAdds(rows: Int, outputs: Int, inputs: Int) {
    var generator = SeededGenerator(seed: 15)
    let x = TestMatrix(random: rows, inputs, gap: 1, using: &generator)
    let weight = TestMatrix(random: outputs, inputs, gap: 2, using: &generator)
    let dy = TestMatrix(random: rows, outputs, gap: 3, using: &generator)
    let dWeight = TestMatrix(random: outputs, inputs, gap: 4, using: &generator)
    let (y, dx) = (
      TestMatrix(rows, outputs, gap: 5) { _, _ in 0 }, TestMatrix(rows, inputs, gap: 5) { _, _ in 0 }
    )
    let before = TestMatrix(copying: dWeight)

    MatrixProduct.linear(x.view, weight: LinearWeight(weight.constant), into: y.view, by: .fusedMultiplyAdds)
    #expect(y.bits == chains(rows, outputs, terms: inputs) { (x[$0, $2], weight[$1, $2]) })
    MatrixProduct.inputGradient(dy.view, weight: weight.constant, into: dx.view, by: .fusedMultiplyAdds)
    #expect(dx.bits == chains(rows, inputs, terms: outputs) { (dy[$0, $2], weight[$2, $1]) })
    MatrixProduct.weightGradient(
      dy.view, input: x.view, adding: true, into: dWeight.view, by: .fusedMultiplyAdds)
    #expect(
      dWeight.bits
        == chains(outputs, inputs, terms: rows, from: before) { (dy[$2, $0], x[$2, $1]) })
  }

  /// An MLP may be wider than there is room for one of its rows.
  @Test func aWeightGradientMayHaveAnyNumberOfColumns() {
    let (terms, outputs, inputs) = (256, 2, 524_360)
    var generator = SeededGenerator(seed: 16)
    let dy = TestMatrix(random: terms, outputs, using: &generator)
    // All but a few of its columns stay zeros that take no memory, if its pages are small.
    let floats = FloatBuffer(reserving: terms * inputs)
    madvise(floats.base, terms * inputs * MemoryLayout<Float>.size, MADV_NOHUGEPAGE)
    let x = MatrixView(floats.base, rows: terms, columns: inputs)
    let written = [0, 8191, 8192, 262_150, 524_287, 524_288, inputs - 1]
    for row in 0..<terms {
      for column in written { x.row(row)[column] = Float.random(in: -1...1, using: &generator) }
    }
    let result = FloatBuffer(zeroed: outputs * inputs)
    let dWeight = MatrixView(result.base, rows: outputs, columns: inputs)
    MatrixProduct.weightGradient(dy.view, input: x, adding: false, into: dWeight, by: .fusedMultiplyAdds)
    for row in 0..<outputs {
      let expected = chains(1, written.count, terms: terms) { (dy[$2, row], x.row($2)[written[$1]]) }[0]
      #expect(written.map { dWeight.row(row)[$0].bitPattern } == expected)
      #expect((0..<inputs).count { dWeight.row(row)[$0] != 0 } == written.count)
    }
  }

  private func chains(
    _ rows: Int, _ columns: Int, terms: Int, from start: TestMatrix? = nil,
    _ factors: (_ row: Int, _ column: Int, _ term: Int) -> (Float, Float)
  ) -> [[UInt32]] {
    (0..<rows).map { row in
      (0..<columns).map { column in
        (0..<terms).reduce(start?[row, column] ?? 0) { sum, term in
          let (a, b) = factors(row, column, term)
          return sum.addingProduct(a, b)
        }.bitPattern
      }
    }
  }
}
