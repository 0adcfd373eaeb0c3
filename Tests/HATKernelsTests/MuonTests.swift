import HATKernels
import Testing

@Suite struct MuonTests {
  @Test(arguments: [0, 1, 8, 13, 31])
  func theMomentumFollowsTheGradientAndLooksAhead(count: Int) {
    var generator = SeededGenerator(seed: UInt64(60 + count))
    let gradient = TestMatrix(random: 1, count, using: &generator)
    let momentum = TestMatrix(random: 1, count, using: &generator)
    let update = TestMatrix(1, count) { _, _ in .nan }
    let (g, m) = (gradient.doubles[0].map { 0.5 * $0 }, momentum.doubles[0])
    Muon.follow(
      gradient.pointer, gradientScale: 0.5, decay: 0.95, momentum: momentum.pointer, update: update.pointer,
      count: count)
    let decay = Double(Float(0.95))
    let followed = zip(g, m).map { decay * $1 + (1 - decay) * $0 }
    let ahead = zip(g, followed).map { decay * $1 + (1 - decay) * $0 }
    #expect(largestError(momentum, [followed]) < 2e-7)
    #expect(largestError(update, [ahead]) < 2e-7)
    #expect(momentum.isIntactOutside && update.isIntactOutside)
  }
}
