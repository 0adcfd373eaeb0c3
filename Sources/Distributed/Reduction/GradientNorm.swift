import HATKernels

/// The Euclidean norm of the whole reduced gradient, the same to the last bit on any rank count: squares are
/// summed within fixed blocks, and the blocks' sums in the order of the blocks.
final class GradientNorm {
  private let communicator: any Communicator
  private let table: SliceTable
  /// Sum of squares of each block. [blocks]
  private let sums: UnsafeMutableBufferPointer<Double>

  init(communicator: any Communicator, table: SliceTable) {
    self.communicator = communicator
    self.table = table
    sums = .allocate(capacity: max(1, table.blockCount))
    sums.initialize(repeating: 0)
  }

  deinit {
    sums.deallocate()
  }

  /// - Parameter gradient: [parameters], of which this rank's slice is reduced.
  func norm(_ gradient: FloatBuffer) throws -> Double {
    for block in table.blocks[communicator.rank] {
      let floats = table.floats(ofBlock: block)
      sums[block] = Vector.sumOfSquares(gradient.base + floats.lowerBound, count: floats.count)
    }
    try communicator.allGatherInPlace(sums.baseAddress!, partition: table.blocks)
    return sums.prefix(table.blockCount).reduce(0, +).squareRoot()
  }
}
