import Foundation
import HATKernels
import Testing

@Suite struct ExponentialTests {
  @Test func relativeErrorStaysBelow2e7() {
    let count = 1_000_001
    let x = TestMatrix(1, count) { _, index in -87 + 175 * Float(index) / Float(count - 1) }
    let y = TestMatrix(1, count)
    Exponential.apply(x.pointer, into: y.pointer, count: count)
    let worst = (0..<count).map { index in
      let exact = exp(Double(x[0, index]))
      return difference(Double(y[0, index]), exact) / exact
    }.max()!
    #expect(worst < 2e-7)
    #expect(y.isIntactOutside)
  }

  @Test func extremesUnderflowToZeroAndSaturate() {
    let x = TestMatrix([-.infinity, -1e30, -88, 0, 89, 1e30, .infinity, .nan, 1])
    let y = TestMatrix(1, 9)
    Exponential.apply(x.pointer, into: y.pointer, count: 9)
    #expect((0..<3).allSatisfy { y[0, $0] == 0 })
    #expect(y[0, 3] == 1)
    #expect((4..<7).allSatisfy { y[0, $0] > 2e38 && y[0, $0].isFinite })
    #expect(y[0, 7].isNaN)
  }

  @Test func aValueDoesNotDependOnItsPlace() {
    var generator = SeededGenerator(seed: 1)
    let x = TestMatrix(random: 1, 37, in: -20...20, using: &generator)
    let (whole, single) = (TestMatrix(1, 37), TestMatrix(1, 37))
    Exponential.apply(x.pointer, into: whole.pointer, count: 37)
    for index in 0..<37 { Exponential.apply(x.pointer + index, into: single.pointer + index, count: 1) }
    #expect(whole.bits == single.bits)
  }
}
