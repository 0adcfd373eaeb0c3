import Foundation
import HATKernels
import Testing

@Suite struct SwiGLUTests {
  static let shapes = [(0, 8), (1, 1), (3, 5), (4, 8), (2, 43), (3, 96)]

  private func reference(_ gateUp: [[Double]]) -> [[Double]] {
    gateUp.map { row in
      let width = row.count / 2
      return (0..<width).map { column in
        let gate = row[column]
        return gate / (1 + exp(-gate)) * row[width + column]
      }
    }
  }

  @Test(arguments: shapes)
  func forwardFollowsTheFormula(rows: Int, width: Int) {
    var generator = SeededGenerator(seed: 9)
    let gateUp = TestMatrix(random: rows, 2 * width, gap: 1, in: -10...10, using: &generator)
    let hidden = TestMatrix(rows, width, gap: 2)
    SwiGLU.forward(gateUp.view, into: hidden.view)
    #expect(largestError(hidden, reference(gateUp.doubles)) < 1e-6)
    #expect(hidden.isIntactOutside)
  }

  @Test(arguments: shapes)
  func backwardMatchesCentralDifferences(rows: Int, width: Int) {
    var generator = SeededGenerator(seed: 10)
    let gateUp = TestMatrix(random: rows, 2 * width, gap: 1, in: -4...4, using: &generator)
    let hiddenGradient = TestMatrix(random: rows, width, using: &generator)
    let gradient = TestMatrix(rows, 2 * width, gap: 3)
    SwiGLU.backward(gateUp.view, hiddenGradient: hiddenGradient.view, into: gradient.view)
    let expected = centralDifferences(gateUp.doubles) {
      innerProduct(reference($0), hiddenGradient.doubles)
    }
    #expect(largestError(gradient, expected) < 1e-6)
    #expect(gradient.isIntactOutside)
  }

  @Test(arguments: shapes)
  func backwardInPlaceComputesTheHiddenValuesAgain(rows: Int, width: Int) {
    var generator = SeededGenerator(seed: 11)
    let gateUp = TestMatrix(random: rows, 2 * width, in: -4...4, using: &generator)
    let hiddenGradient = TestMatrix(random: rows, width, using: &generator)
    let (hidden, again) = (TestMatrix(rows, width), TestMatrix(rows, width))
    SwiGLU.forward(gateUp.view, into: hidden.view)
    let gradient = TestMatrix(rows, 2 * width)
    SwiGLU.backward(gateUp.view, hiddenGradient: hiddenGradient.view, into: gradient.view)
    SwiGLU.backward(gateUp.view, hiddenGradient: hiddenGradient.view, into: gateUp.view, hidden: again.view)
    #expect(again.bits == hidden.bits)
    #expect(gateUp.bits == gradient.bits)
  }

  @Test(
    .enabled(if: Registers.widest == .sixteenFloats, "this processor has no wider registers"),
    arguments: [1, 15, 16, 17, 96, 123])
  func registersOfEightGiveTheSameBits(width: Int) {
    var generator = SeededGenerator(seed: 13)
    let gateUp = TestMatrix(random: 40, 2 * width, gap: 3, in: -100...100, using: &generator)
    for (row, gate) in [-Float.infinity, .infinity, .nan, -0, 87.33, 88.37, -1e-40].enumerated() {
      gateUp[row, row % width] = gate
    }
    let hiddenGradient = TestMatrix(random: 40, width, gap: 1, using: &generator)
    let runs = [Registers.widest, .eightFloats].map { registers in
      let (hidden, again) = (TestMatrix(40, width, gap: 5), TestMatrix(40, width, gap: 5))
      let gradient = TestMatrix(copying: gateUp)
      SwiGLU.forward(gateUp.view, into: hidden.view, on: registers)
      SwiGLU.backward(
        gradient.view, hiddenGradient: hiddenGradient.view, into: gradient.view, hidden: again.view,
        on: registers)
      #expect(hidden.isIntactOutside && again.isIntactOutside && gradient.isIntactOutside)
      return [hidden.bits, again.bits, gradient.bits]
    }
    #expect(runs[0] == runs[1])
  }

  @Test func largeGatesNeitherOverflowNorTurnIntoNaN() {
    let gateUp = TestMatrix([-1e4, -200, 200, 1e4, 1, 1, 1, 1])
    let hidden = TestMatrix(1, 4)
    SwiGLU.forward(gateUp.view, into: hidden.view)
    #expect(abs(hidden[0, 0]) < 1e-30 && abs(hidden[0, 1]) < 1e-30)
    #expect(hidden[0, 2] == 200 && hidden[0, 3] == 1e4)
    let ones = TestMatrix([1, 1, 1, 1])
    SwiGLU.backward(gateUp.view, hiddenGradient: ones.view, into: gateUp.view)
    #expect(Vector.allFinite(gateUp.pointer, count: 8))
    #expect(abs(gateUp[0, 0]) < 1e-30 && gateUp[0, 3] == 1)
  }
}
