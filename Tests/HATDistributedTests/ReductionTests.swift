import HATKernels
import TestSupport
import Testing

@testable import HATDistributed

@Suite struct ReductionTests {
  /// One float, less than a block, exactly a block, a few blocks and a bit, fewer and more blocks than ranks.
  static let counts = [1, 4095, 4096, 4097, 5 * 4096 + 17, 20 * 4096]

  @Test func slicesTileTheBufferInWholeBlocks() {
    for count in [0] + Self.counts {
      for ranks in 1...9 {
        let table = SliceTable(count: count, ranks: ranks)
        var end = 0
        for (slice, blocks) in zip(table.slices.ranges, table.blocks.ranges) {
          #expect(slice.lowerBound == end)
          #expect(slice.lowerBound == min(count, blocks.lowerBound * SliceTable.blockLength))
          end = slice.upperBound
        }
        #expect(end == count)
      }
    }
  }

  /// The sum a single process would compute, straight from the definition of the tree.
  private func definition(_ leaves: Range<Int>, count: Int, seed: UInt64) -> [Float] {
    if leaves.count == 1 { return Self.gradient(ofMicroBatch: leaves.lowerBound, count: count, seed: seed) }
    let middle = (leaves.lowerBound + leaves.upperBound) / 2
    let first = definition(leaves.lowerBound..<middle, count: count, seed: seed)
    let second = definition(middle..<leaves.upperBound, count: count, seed: seed)
    return zip(first, second).map { $0 + $1 }
  }

  private static func gradient(ofMicroBatch index: Int, count: Int, seed: UInt64) -> [Float] {
    var generator = ToyGenerator(seed: seed &* 1000 &+ UInt64(index))
    return (0..<count).map { _ in generator.float() }
  }

  /// Every rank's slice of the reduced gradient, put together, and the norm each computed.
  private func reduced(
    microBatches: Int, ranks: Int, count: Int, seed: UInt64, receiveLimit: Int
  ) throws -> (gradient: [Float], norms: [Double]) {
    let parts = try ThreadCommunicator.run(size: ranks) { communicator -> ([Float], Double) in
      let tree = try MicroBatchTree(microBatches: microBatches, ranks: ranks)
      let table = SliceTable(count: count, ranks: ranks)
      let accumulator = GradientAccumulator(parameterCount: count, tree: tree)
      accumulator.accumulate(tree.owned(byRank: communicator.rank)) { index, buffer in
        let gradient = Self.gradient(ofMicroBatch: index, count: count, seed: seed)
        buffer.base.update(from: gradient, count: count)
      }
      let reducer = GradientReducer(communicator: communicator, table: table, receiveLimit: receiveLimit)
      try reducer.reduce(accumulator.gradient)
      let norm = try GradientNorm(communicator: communicator, table: table).norm(accumulator.gradient)
      return (table.slices[communicator.rank].map { accumulator.gradient.base[$0] }, norm)
    }
    return (parts.flatMap(\.0), parts.map(\.1))
  }

  @Test(arguments: counts) func powersOfTwoSumBitForBitAlike(count: Int) throws {
    for (microBatches, rankCounts) in [(8, [1, 2, 4, 8]), (12, [1, 2, 4, 12]), (6, [1, 2, 6]), (1, [1])] {
      let expected = definition(0..<microBatches, count: count, seed: 7)
      let norm = try reduced(
        microBatches: microBatches, ranks: 1, count: count, seed: 7, receiveLimit: 1 << 20
      ).norms[0]
      for ranks in rankCounts {
        for receiveLimit in [1, 1 << 20] {
          let (gradient, norms) = try reduced(
            microBatches: microBatches, ranks: ranks, count: count, seed: 7, receiveLimit: receiveLimit)
          #expect(
            gradient.map(\.bitPattern) == expected.map(\.bitPattern), "\(microBatches) over \(ranks)")
          #expect(norms.allSatisfy { $0 == norm })
        }
      }
    }
  }

  @Test func everyRankCountSumsAlikeToRounding() throws {
    let (microBatches, count) = (60, 4097)
    let expected = definition(0..<microBatches, count: count, seed: 3)
    for ranks in [3, 5, 6, 10, 12, 15] {
      let (gradient, _) = try reduced(
        microBatches: microBatches, ranks: ranks, count: count, seed: 3, receiveLimit: 1 << 20)
      let largest = zip(gradient, expected).map { abs($0 - $1) }.max()!
      #expect(gradient.count == count && largest < 1e-4, "\(ranks) ranks: \(largest)")
    }
  }

  @Test func theNormIsTheNorm() throws {
    let (gradient, norms) = try reduced(
      microBatches: 4, ranks: 2, count: 10_000, seed: 5, receiveLimit: 1 << 20)
    let expected = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    #expect(abs(norms[0] - expected) < 1e-9 * expected)
  }

  @Test func rankCountsThatDoNotDivideAreRefusedWithThoseThatDo() {
    let error = #expect(throws: (any Error).self) { _ = try MicroBatchTree(microBatches: 12, ranks: 5) }
    #expect("\(error!)".contains("1, 2, 3, 4, 6, 12"))
  }
}
