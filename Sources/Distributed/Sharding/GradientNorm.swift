import HATCore
import HATKernels

/// The Euclidean norm of the whole gradient, the same bits on any number of ranks and threads: squares are summed within fixed
/// blocks, and the sums of the blocks in the order of the blocks. Of n-gram tables only rows that were touched are read.
final class GradientNorm {
  private let communicator: any Communicator
  private let table: SliceTable
  private let marks: RowMarks?
  private let workers: WorkerPool
  /// The part of `sums` of each rank.
  private let partition: RankPartition
  /// The sum of squares of each block, rank by rank. [blocks]
  private let sums: UnsafeMutableBufferPointer<Double>
  /// The blocks in the order of `sums`. [blocks]
  private let blocks: [Range<Int>]
  /// The index in `sums` of each block. [blocks]
  private let places: [Int]

  /// - Parameters:
  ///   - marks: of the gradient, if it has any.
  ///   - workers: the threads of the rank.
  init(
    communicator: any Communicator, table: SliceTable, marks: RowMarks? = nil,
    workers: WorkerPool = WorkerPool(threads: 1)
  ) {
    self.communicator = communicator
    self.table = table
    (self.marks, self.workers) = (marks, workers)
    let owned = (0..<communicator.size).map(table.ownedBlocks(ofRank:))
    var end = 0
    partition = RankPartition(
      owned.map { blocks in
        defer { end += blocks.count }
        return end..<end + blocks.count
      })
    let order = owned.flatMap { $0 }
    blocks = order.map { table.blocks[$0] }
    var places = [Int](repeating: 0, count: end)
    for (place, block) in order.enumerated() { places[block] = place }
    self.places = places
    sums = .allocate(capacity: max(1, end))
    sums.initialize(repeating: 0)
  }

  deinit {
    sums.deallocate()
  }

  /// - Parameter gradient: [parameters], of which this rank's slices are summed over the ranks.
  func norm(_ gradient: UnsafePointer<Float>) throws -> Double {
    let own = partition[communicator.rank]
    let work = BlockSums(
      gradient: gradient, marks: marks, blocks: blocks, sums: sums.baseAddress!, first: own.lowerBound)
    workers.split(own.count, unit: BlockSums.unit, work)
    try communicator.allGatherInPlace(sums.baseAddress!, partition: partition)
    return places.reduce(0) { $0 + sums[$1] }.squareRoot()
  }
}

/// The sums of squares of some blocks.
private struct BlockSums: PoolWork {
  /// So few that threads get even shares, so many that they share no cache line of sums.
  static let unit = 16

  let gradient: UnsafePointer<Float>
  let marks: RowMarks?
  let blocks: [Range<Int>]
  let sums: UnsafeMutablePointer<Double>
  /// The place of the rank's first block.
  let first: Int

  func perform(_ range: Range<Int>, part _: Int) {
    for place in range { sums[first + place] = sum(blocks[first + place]) }
  }

  private func sum(_ block: Range<Int>) -> Double {
    var sum = SumOfSquares()
    if let marks, let table = marks.tables.table(with: block), table.columns % SumOfSquares.period == 0 {
      let (start, columns) = (table.floats.lowerBound, table.columns)
      let rows = (block.lowerBound - start) / columns..<(block.upperBound - start + columns - 1) / columns
      marks.forEachTouchedRow(rows, of: table) { row in
        let floats = table.floats(ofRow: row).clamped(to: block)
        sum.add(gradient + floats.lowerBound, count: floats.count)
      }
    } else {
      sum.add(gradient + block.lowerBound, count: block.count)
    }
    return sum.value
  }
}
