import Foundation
import HATKernels
import Testing

@Suite struct SoftmaxCrossEntropyTests {
  static let shapes = [(0, 8), (1, 1), (5, 7), (4, 16), (6, 100), (9, 256)]

  private func losses(_ logits: [[Double]], _ targets: [Int32]) -> [Double] {
    zip(logits, targets).map { row, target in
      let largest = row.max()!
      return log(row.reduce(0) { $0 + exp($1 - largest) }) + largest - row[Int(target)]
    }
  }

  @Test(arguments: shapes)
  func lossAndGradientFollowTheFormula(rows: Int, classes: Int) {
    var generator = SeededGenerator(seed: 12)
    let logits = TestMatrix(random: rows, classes, gap: 2, in: -8...8, using: &generator)
    let targets = (0..<rows).map { _ in Int32.random(in: 0...Int32(classes - 1), using: &generator) }
    let values = logits.doubles
    let (first, second) = (TestMatrix(1, rows), TestMatrix(1, rows))
    var (firstCorrect, secondCorrect) = (
      [Bool](repeating: false, count: rows), [Bool](repeating: true, count: rows)
    )

    SoftmaxCrossEntropy.loss(logits.view, targets: targets, losses: first.pointer, correct: &firstCorrect)
    #expect(largestError(first, [losses(values, targets)]) < 1e-6)
    #expect(firstCorrect == zip(values, targets).map { $0.firstIndex(of: $0.max()!) == Int($1) })

    SoftmaxCrossEntropy.lossAndGradient(
      logits.view, targets: targets, losses: second.pointer, correct: &secondCorrect)
    let expected = centralDifferences(values) { losses($0, targets).reduce(0, +) }
    #expect(largestError(logits, expected) < 1e-6)
    #expect(second.bits == first.bits)
    #expect(secondCorrect == firstCorrect)
    #expect(logits.isIntactOutside)
  }

  @Test(
    .enabled(if: Registers.widest == .sixteenFloats, "this processor has no wider registers"),
    arguments: [1, 15, 16, 17, 100, 256])
  func registersOfEightGiveTheSameBits(classes: Int) {
    var generator = SeededGenerator(seed: 14)
    let logits = TestMatrix(random: 30, classes, gap: 1, in: -60...60, using: &generator)
    let targets = [Int32](repeating: Int32(classes / 2), count: 30)
    let runs = [Registers.widest, .eightFloats].map { registers in
      let (gradient, losses) = (TestMatrix(copying: logits), TestMatrix(1, 30))
      var correct = [Bool](repeating: false, count: 30)
      SoftmaxCrossEntropy.lossAndGradient(
        gradient.view, targets: targets, losses: losses.pointer, correct: &correct, on: registers)
      #expect(gradient.isIntactOutside)
      return gradient.bits + losses.bits
    }
    #expect(runs[0] == runs[1])
  }

  @Test func theLowestOfEqualLogitsIsTheGuess() {
    let logits = TestMatrix(3, 20) { _, column in column == 4 || column == 17 ? 2 : 1 }
    var correct = [Bool](repeating: false, count: 3)
    let losses = TestMatrix(1, 3)
    SoftmaxCrossEntropy.loss(logits.view, targets: [4, 17, 5], losses: losses.pointer, correct: &correct)
    #expect(correct == [true, false, false])
  }

  @Test func logitsFarApartGiveFiniteLosses() {
    let logits = TestMatrix(2, 9) { _, column in column == 3 ? 3e4 : -3e4 }
    var correct = [false, false]
    let losses = TestMatrix(1, 2)
    SoftmaxCrossEntropy.lossAndGradient(
      logits.view, targets: [3, 0], losses: losses.pointer, correct: &correct)
    #expect(losses[0, 0] == 0 && losses[0, 1] == 6e4)
    #expect(logits[0, 3] == 0 && logits[1, 3] == 1 && logits[1, 0] == -1)
    #expect(correct == [true, false])
  }

  @Test func aTargetBelowZeroIsRefused() async {
    await #expect(processExitsWith: .failure) {
      let (logits, losses) = (TestMatrix(2, 9), TestMatrix(1, 1))
      var correct = [false]
      SoftmaxCrossEntropy.lossAndGradient(
        logits.view.rows(1..<2), targets: [-1], losses: losses.pointer, correct: &correct)
    }
  }

  @Test func aLogitThatIsNotANumberShowsInTheLoss() {
    let logits = TestMatrix(1, 9) { _, column in column == 6 ? .nan : 1 }
    var correct = [false]
    let losses = TestMatrix(1, 1)
    SoftmaxCrossEntropy.loss(logits.view, targets: [2], losses: losses.pointer, correct: &correct)
    #expect(losses[0, 0].isNaN)
  }
}
