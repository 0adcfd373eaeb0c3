import HATCore
import HATKernels

/// The Euclidean norm of the whole gradient, the same bits on any number of ranks and threads: squares are summed within
/// fixed blocks, and the sums of the blocks in the order of the blocks. Of n-gram tables only touched rows are read.
final class GradientNorm {
  private let communicator: any Communicator
  private let marks: RowMarks?
  private let workers: WorkerPool
  /// The part of `sums` of each rank.
  private let partition: RankPartition
  /// The sum of squares of each block, rank by rank. [blocks]
  private let sums: UnsafeMutableBufferPointer<Double>
  /// The floats of each block that this rank owns.
  private let ownBlocks: [Range<Int>]
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
    (self.marks, self.workers) = (marks, workers)
    let owned = (0..<communicator.size).map(table.ownedBlocks(ofRank:))
    var end = 0
    partition = RankPartition(
      owned.map { blocks in
        defer { end += blocks.count }
        return end..<end + blocks.count
      })
    ownBlocks = owned[communicator.rank].map { table.blocks[$0] }
    var places = [Int](repeating: 0, count: end)
    for (place, block) in owned.joined().enumerated() { places[block] = place }
    self.places = places
    sums = .allocate(capacity: max(1, end))
    sums.initialize(repeating: 0)
  }

  deinit {
    sums.deallocate()
  }

  /// - Parameter gradient: [parameters], of which this rank's slices are summed over the ranks.
  func norm(_ gradient: UnsafePointer<Float>) throws -> Double {
    let work = BlockSums(
      gradient: gradient, marks: marks, blocks: ownBlocks,
      sums: sums.baseAddress! + partition[communicator.rank].lowerBound)
    workers.split(ownBlocks.count, unit: BlockSums.unit, work)
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
  /// The floats of each.
  let blocks: [Range<Int>]
  /// [blocks]
  let sums: UnsafeMutablePointer<Double>

  func perform(_ range: Range<Int>, part _: Int) {
    for block in range { sums[block] = sum(blocks[block]) }
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
