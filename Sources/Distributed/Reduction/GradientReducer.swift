import HATKernels

/// Sums the ranks' gradients: afterwards each owner holds its slice of the sum.
///
/// Slices are exchanged piece by piece, so that the room for what arrives stays bounded, and each owner adds the
/// R partial sums in the order of the micro-batch tree.
final class GradientReducer {
  private let communicator: any Communicator
  private let table: SliceTable
  private let pieces: [RankPartition]
  /// [ranks, floats of a piece]
  private let received: FloatBuffer

  static let defaultReceiveLimit = 4 << 20

  /// - Parameter receiveLimit: floats that may arrive at once; at least a block from every rank does.
  init(communicator: any Communicator, table: SliceTable, receiveLimit: Int = defaultReceiveLimit) {
    self.communicator = communicator
    self.table = table
    let pieceLength = Self.pieceLength(table, receiveLimit: receiveLimit)
    pieces = stride(from: 0, to: table.longestSlice, by: pieceLength).map { start in
      RankPartition(
        table.slices.ranges.map { slice in
          let lower = min(slice.upperBound, slice.lowerBound + start)
          return lower..<min(slice.upperBound, lower + pieceLength)
        })
    }
    received = FloatBuffer(zeroed: Self.receivedFloats(table, receiveLimit: receiveLimit))
  }

  /// Floats set aside for what arrives.
  static func receivedFloats(_ table: SliceTable, receiveLimit: Int = defaultReceiveLimit) -> Int {
    guard table.rankCount > 1 else { return 0 }
    return table.rankCount * min(pieceLength(table, receiveLimit: receiveLimit), table.longestSlice)
  }

  private static func pieceLength(_ table: SliceTable, receiveLimit: Int) -> Int {
    max(SliceTable.blockLength, receiveLimit / table.rankCount)
  }

  /// Replaces this rank's slice of `gradient` by the sum of every rank's; the rest of it is then stale.
  func reduce(_ gradient: FloatBuffer) throws {
    precondition(gradient.count == table.count)
    guard communicator.size > 1 else { return }
    for piece in pieces {
      try communicator.exchange(gradient.base, partition: piece, into: received.base)
      let own = piece[communicator.rank]
      MicroBatchTree.sumRows(0..<communicator.size, of: received.base, count: own.count) {
        Vector.add($0, to: $1, count: $2)
      }
      (gradient.base + own.lowerBound).update(from: received.base, count: own.count)
    }
  }
}
