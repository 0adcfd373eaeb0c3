import HATRandom
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
      let permutation = RandomPermutation(count: count, random: RandomSource(keys: 9))
      try #require(Set((0..<count).map { permutation[$0] }) == Set(0..<count))
    }
  }

  @Test func largePermutationsTakeNoMemory() {
    let count = 1_000_000_007
    let permutation = RandomPermutation(count: count, random: RandomSource(keys: 10))
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

  /// The figures of docs/data-order.md, "How random it is": frames of 64 documents, windows of 2048.
  @Test func howRandomItIs() throws {
    let (frames, documents) = (3200, 64)
    let order = DocumentOrder(frameCount: frames, seed: 4)
    let places = (0..<order.windowCount).flatMap {
      order.documents(ofWindow: $0, epoch: 0) { _ in documents }
    }
    let fromOneFrame = zip(places, places.dropFirst()).count { $0.frame == $1.frame }
    let share = Double(fromOneFrame) / Double(places.count - 1)
    #expect(abs(share - 63.0 / 2047) < 0.001, "neighbours from one frame: \(share)")

    var positions = Array(repeating: [Int](), count: frames)
    for (position, place) in places.enumerated() { positions[place.frame].append(position) }
    let distances = positions.flatMap { own in
      own.indices.flatMap { first in own[(first + 1)...].map { $0 - own[first] } }
    }
    let distance = Double(distances.reduce(0, +)) / Double(distances.count)
    #expect(abs(distance - 2049.0 / 3) < 5, "between documents of one frame: \(distance)")

    let batches = stride(from: 0, to: places.count - 256, by: 256).map { start in
      Set(places[start..<start + 256].map(\.frame)).count
    }
    let spread = Double(batches.reduce(0, +)) / Double(batches.count)
    #expect(abs(spread - 32) < 0.1, "frames in 256 documents: \(spread)")

    let together = (1..<frames).count { positions[$0][0] / 2048 == positions[$0 - 1][0] / 2048 }
    let neighbours = Double(together) / Double(frames - 1)
    #expect(abs(neighbours - 31.0 / 3199) < 0.005, "neighbouring frames in one window: \(neighbours)")
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
