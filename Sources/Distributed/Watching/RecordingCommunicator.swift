/// Records every collective of another communicator in an operation log.
final class RecordingCommunicator: Communicator {
  private let base: any Communicator
  private let log: OperationLog

  init(_ base: any Communicator, log: OperationLog) {
    (self.base, self.log) = (base, log)
  }

  var rank: Int { base.rank }
  var size: Int { base.size }

  func barrier() throws {
    try log.record(.barrier) { try base.barrier() }
  }

  func anyRank(says own: Bool) throws -> Bool {
    try log.record(.agreement) { try base.anyRank(says: own) }
  }

  func allGather(_ piece: UnsafeRawBufferPointer) throws -> [[UInt8]] {
    try log.record(.allGather, bytes: piece.count) { try base.allGather(piece) }
  }

  func allGatherInPlace(
    _ buffer: UnsafeMutableRawPointer, partition: RankPartition, elementSize: Int
  ) throws {
    try log.record(.allGatherInPlace, bytes: partition.total * elementSize) {
      try base.allGatherInPlace(buffer, partition: partition, elementSize: elementSize)
    }
  }

  func transfer(sending: [OutgoingMessage], receiving: [IncomingMessage]) throws {
    try log.record(.exchange, bytes: sending.reduce(0) { $0 + $1.bytes.count }) {
      try base.transfer(sending: sending, receiving: receiving)
    }
  }

  var nodes: NodeMap { base.nodes }

  func nodeBarrier() throws {
    try log.record(.nodeBarrier) { try base.nodeBarrier() }
  }

  func allocateNodeMemory(floats: Int) throws -> NodeMemory {
    try log.record(.allocateNodeMemory, bytes: floats * MemoryLayout<Float>.size) {
      try base.allocateNodeMemory(floats: floats)
    }
  }
}

extension RankPartition {
  fileprivate var total: Int { ranges.reduce(0) { $0 + $1.count } }
}
