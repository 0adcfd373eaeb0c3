import Testing

@testable import HATText

@Suite struct DocumentOrderTests {
  private func epoch(_ order: DocumentOrder, _ epoch: Int) -> [DocumentPlace] {
    (0..<order.windowCount).flatMap { order.documents(ofWindow: $0, epoch: epoch) { $0 % 7 + 1 } }
  }

  @Test(arguments: [1, 2, 3, 4, 5, 31, 32, 33, 64, 100, 1000]) func anEpochIsAPermutation(frames: Int) {
    let order = DocumentOrder(frameCount: frames, seed: 1)
    let all = (0..<frames).flatMap { frame in
      (0...frame % 7).map { DocumentPlace(frame: frame, document: $0) }
    }
    for number in 0..<3 {
      let places = epoch(order, number)
      #expect(places.count == all.count)
      #expect(Set(places) == Set(all))
    }
  }

  @Test func everyCountOfFramesIsPermuted() throws {
    for count in 1...600 {
      let permutation = FramePermutation(count: count, random: RandomSource(keys: 9))
      try #require(Set((0..<count).map { permutation[$0] }) == Set(0..<count))
    }
  }

  @Test func largePermutationsTakeNoMemory() {
    let count = 1_000_000_007
    let permutation = FramePermutation(count: count, random: RandomSource(keys: 10))
    let values = (0..<1000).map { permutation[$0 * 1_000_000] }
    #expect(Set(values).count == 1000)
    #expect(values.allSatisfy { 0..<count ~= $0 })
  }

  @Test func orderDependsOnSeedAndEpochAlone() {
    let order = DocumentOrder(frameCount: 100, seed: 1)
    #expect(epoch(order, 0) == epoch(DocumentOrder(frameCount: 100, seed: 1), 0))
    #expect(epoch(order, 0) != epoch(order, 1))
    #expect(epoch(order, 0) != epoch(DocumentOrder(frameCount: 100, seed: 2), 0))
  }

  /// The order is part of what makes a run reproducible: this changes only with a new version of the corpus.
  @Test func theOrderIsTheOneOfTheFirstVersion() {
    let places = epoch(DocumentOrder(frameCount: 5, seed: 1), 0)
    let expected = [32, 41, 43, 40, 11, 33, 22, 20, 42, 44, 0, 30, 10, 21, 31]
    #expect(places.map { $0.frame * 10 + $0.document } == expected)
  }

  /// Neighbours in the corpus are no nearer to each other in an epoch than chance has it, within a window's limits.
  @Test func neighboursAreTornApart() {
    let order = DocumentOrder(frameCount: 2000, seed: 3)
    var position: [Int: Int] = [:]
    for (index, place) in epoch(order, 0).enumerated() where place.document == 0 {
      position[place.frame] = index
    }
    let near = (0..<1999).count { abs(position[$0]! - position[$0 + 1]!) < 80 }
    // Chance: 2 · 80 / 8000 of 1999 pairs is 40.
    #expect(near < 100)
  }
}
