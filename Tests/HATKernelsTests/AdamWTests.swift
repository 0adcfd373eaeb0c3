import Foundation
import HATKernels
import Testing

@Suite struct AdamWTests {
  private func step(_ number: Int, gradientScale: Float = 0.5) -> AdamW.Step {
    AdamW.Step(
      learningRate: 1e-2, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1,
      gradientScale: gradientScale, biasCorrection1: Float(1 - pow(0.9, Double(number))),
      biasCorrection2: Float(1 - pow(0.95, Double(number))))
  }

  /// parameters, first moments, second moments, gradients
  private func buffers(_ count: Int, seed: UInt64) -> [TestMatrix] {
    var generator = SeededGenerator(seed: seed)
    return [
      TestMatrix(random: 1, count, using: &generator), TestMatrix(random: 1, count, using: &generator),
      TestMatrix(random: 1, count, in: 0...1, using: &generator),
      TestMatrix(random: 1, count, using: &generator),
    ]
  }

  private func update(_ buffers: [TestMatrix], _ range: Range<Int>, _ step: AdamW.Step) {
    let start = range.lowerBound
    AdamW.update(
      parameters: buffers[0].pointer + start, gradients: buffers[3].pointer + start,
      firstMoments: buffers[1].pointer + start, secondMoments: buffers[2].pointer + start, count: range.count,
      step: step)
  }

  @Test func severalStepsFollowTheFormula() {
    let count = 29
    let state = buffers(count, seed: 4)
    for moment in 1...2 { Vector.fillZero(state[moment].pointer, count: count) }
    var (p, m, v) = (
      state[0].doubles[0], [Double](repeating: 0, count: count), [Double](repeating: 0, count: count)
    )
    for number in 1...5 {
      update(state, 0..<count, step(number))
      for index in 0..<count {
        let gradient = 0.5 * Double(state[3][0, index])
        m[index] = 0.9 * m[index] + 0.1 * gradient
        v[index] = 0.95 * v[index] + 0.05 * gradient * gradient
        let (first, second) = (
          m[index] / (1 - pow(0.9, Double(number))), v[index] / (1 - pow(0.95, Double(number)))
        )
        p[index] -= 1e-2 * (first / (second.squareRoot() + 1e-8) + 0.1 * p[index])
      }
    }
    #expect(largestError(state[0], [p]) < 1e-6)
    #expect(largestError(state[1], [m]) < 1e-6)
    #expect(largestError(state[2], [v]) < 1e-6)
    #expect(state.allSatisfy { $0.isIntactOutside })
  }

  @Test func updatingInTwoPiecesGivesTheSameBits() {
    let whole = buffers(43, seed: 5)
    update(whole, 0..<43, step(3))
    for cut in 0...43 {
      let pieces = buffers(43, seed: 5)
      update(pieces, 0..<cut, step(3))
      update(pieces, cut..<43, step(3))
      #expect(zip(whole, pieces).allSatisfy { $0.bits == $1.bits })
    }
  }

  @Test func aZeroGradientOnlyDecays() {
    let state = buffers(11, seed: 6)
    for buffer in state[1...] { Vector.fillZero(buffer.pointer, count: 11) }
    let before = state[0].doubles[0]
    update(state, 0..<11, step(1))
    #expect(largestError(state[0], [before.map { $0 * (1 - 1e-3) }]) < 1e-7)
  }
}
