import HATKernels

/// The Euclidean norm of the whole reduced gradient, the same to the last bit on any rank count: squares are
/// summed within fixed blocks, and the blocks' sums in the order of the blocks.
final class GradientNorm {
  private let communicator: any Communicator
  private let table: SliceTable
  /// Where in `sums` those of each rank lie.
  private let partition: RankPartition
  /// Sum of squares of each block, rank by rank. [blocks]
  private let sums: UnsafeMutableBufferPointer<Double>
  /// Where in `sums` each block's lies. [blocks]
  private let places: [Int]

  init(communicator: any Communicator, table: SliceTable) {
    self.communicator = communicator
    self.table = table
    var end = 0
    partition = RankPartition(
      table.ownedBlocks.map { blocks in
        defer { end += blocks.count }
        return end..<end + blocks.count
      })
    var places = [Int](repeating: 0, count: end)
    for (place, block) in table.ownedBlocks.flatMap({ $0 }).enumerated() { places[block] = place }
    self.places = places
    sums = .allocate(capacity: max(1, end))
    sums.initialize(repeating: 0)
  }

  deinit {
    sums.deallocate()
  }

  /// - Parameter gradient: [parameters], of which this rank's slices are reduced.
  func norm(_ gradient: UnsafePointer<Float>) throws -> Double {
    let own = partition[communicator.rank]
    for (place, block) in zip(own, table.ownedBlocks[communicator.rank]) {
      let floats = table.blocks[block]
      sums[place] = Vector.sumOfSquares(gradient + floats.lowerBound, count: floats.count)
    }
    try communicator.allGatherInPlace(sums.baseAddress!, partition: partition)
    return places.reduce(0) { $0 + sums[$1] }.squareRoot()
  }
}
