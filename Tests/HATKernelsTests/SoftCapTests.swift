import Foundation
import HATKernels
import Testing

@Suite struct SoftCapTests {
  static let shapes = [(0, 8), (1, 1), (3, 5), (2, 31), (5, 64)]

  @Test func relativeErrorStaysBelow4e7() {
    let count = 400_001
    let x = TestMatrix(1, count) { _, index in -100 + 200 * Float(index) / Float(count - 1) }
    let y = TestMatrix(copying: x)
    SoftCap.apply(y.view, cap: 5)
    let worst = (0..<count).map { index in
      let exact = 5 * tanh(Double(x[0, index]) / 5)
      return abs(Double(y[0, index]) - exact) / max(abs(exact), 1e-30)
    }.max()!
    #expect(worst < 4e-7)
    #expect(y.isIntactOutside)
  }

  @Test func extremesAreCappedAndNaNStays() {
    let x = TestMatrix([-.infinity, -1e30, 0, 1e30, .infinity, .nan, 1e-20])
    SoftCap.apply(x.view, cap: 30)
    #expect((0..<2).allSatisfy { x[0, $0] == -30 } && (3..<5).allSatisfy { x[0, $0] == 30 })
    #expect(x[0, 2] == 0 && x[0, 5].isNaN)
    #expect(abs(x[0, 6] / 1e-20 - 1) < 1e-6)
  }

  @Test(arguments: shapes)
  func backwardMatchesCentralDifferences(rows: Int, columns: Int) {
    var generator = SeededGenerator(seed: 8)
    let x = TestMatrix(random: rows, columns, gap: 2, in: -6...6, using: &generator)
    let gradient = TestMatrix(random: rows, columns, gap: 3, using: &generator)
    let expected = centralDifferences(x.doubles) {
      innerProduct($0.map { $0.map { 2 * tanh($0 / 2) } }, gradient.doubles)
    }
    let (plain, slopes) = (TestMatrix(copying: x), TestMatrix(rows, columns, gap: 1))
    SoftCap.apply(plain.view, cap: 2)
    SoftCap.apply(x.view, cap: 2, slopes: slopes.view)
    #expect(x.bits == plain.bits)
    SoftCap.backward(gradient.view, slopes: slopes.view)
    #expect(largestError(gradient, expected) < 2e-5)
    #expect(x.isIntactOutside && slopes.isIntactOutside && gradient.isIntactOutside)
  }
}
