import HATKernels
import Testing

@Suite struct RMSNormTests {
  static let shapes = [(0, 8), (1, 1), (3, 5), (4, 8), (2, 31), (5, 64), (3, 100)]

  private func reference(_ x: [[Double]], _ gain: [Double]) -> [[Double]] {
    x.map { row in
      let root = (row.reduce(0) { $0 + $1 * $1 } / Double(row.count) + 1e-5).squareRoot()
      return zip(row, gain).map { $0 * $1 / root }
    }
  }

  @Test(arguments: shapes)
  func forwardFollowsTheFormula(rows: Int, width: Int) {
    var generator = SeededGenerator(seed: 7)
    let x = TestMatrix(random: rows, width, gap: 2, in: -3...3, using: &generator)
    let gain = TestMatrix(random: 1, width, using: &generator)
    let (y, roots) = (TestMatrix(rows, width, gap: 1), TestMatrix(1, rows))
    RMSNorm.forward(x.view, gain: gain.pointer, into: y.view, inverseRoots: roots.pointer)
    #expect(largestError(y, reference(x.doubles, gain.doubles[0])) < 1e-6)
    #expect(y.isIntactOutside && roots.isIntactOutside)

    RMSNorm.forward(x.view, gain: gain.pointer, into: x.view, inverseRoots: roots.pointer)
    #expect(x.bits == y.bits)
  }

  @Test func rowsTooLargeToBeSquaredAreNotZeros() {
    let x = TestMatrix(2, 9) { row, _ in row == 0 ? 1e30 : 1 }
    let gain = TestMatrix(1, 9) { _, _ in 1 }
    let (y, roots) = (TestMatrix(2, 9), TestMatrix(1, 2))
    RMSNorm.forward(x.view, gain: gain.pointer, into: y.view, inverseRoots: roots.pointer)
    #expect(y.doubles[0].allSatisfy(\.isNaN) && y.doubles[1].allSatisfy { abs($0 - 1) < 1e-4 })
  }

  @Test(arguments: shapes)
  func backwardMatchesCentralDifferences(rows: Int, width: Int) {
    var generator = SeededGenerator(seed: 8)
    let x = TestMatrix(random: rows, width, gap: 2, using: &generator)
    let gain = TestMatrix(random: 1, width, using: &generator)
    let dy = TestMatrix(random: rows, width, gap: 3, using: &generator)
    let (y, roots) = (TestMatrix(rows, width), TestMatrix(1, rows))
    RMSNorm.forward(x.view, gain: gain.pointer, into: y.view, inverseRoots: roots.pointer)

    let dx = TestMatrix(rows, width, gap: 1) { _, _ in 1 }
    let dGain = TestMatrix(1, width) { _, _ in 2 }
    RMSNorm.backward(
      x.view, gain: gain.pointer, inverseRoots: roots.pointer, outputGradient: dy.view,
      adding: true, into: dx.view, addGainGradientTo: dGain.pointer)
    let expectedX = centralDifferences(x.doubles) {
      innerProduct(reference($0, gain.doubles[0]), dy.doubles)
    }
    let expectedGain = centralDifferences(gain.doubles) {
      innerProduct(reference(x.doubles, $0[0]), dy.doubles)
    }
    #expect(largestError(dx, expectedX.map { $0.map { $0 + 1 } }) < 2e-5)
    #expect(largestError(dGain, expectedGain.map { $0.map { $0 + 2 } }) < 2e-5)
    #expect(dx.isIntactOutside && dGain.isIntactOutside)

    RMSNorm.backward(
      x.view, gain: gain.pointer, inverseRoots: roots.pointer, outputGradient: dy.view,
      adding: false, into: dy.view, addGainGradientTo: dGain.pointer)
    #expect(largestError(dy, expectedX) < 2e-5)
    #expect(largestError(dGain, expectedGain.map { $0.map { 2 * $0 + 2 } }) < 4e-5)
    #expect(dy.isIntactOutside)
  }
}
