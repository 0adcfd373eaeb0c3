import HATCore
import HATDistributed

/// Another communicator that counts the bytes of the messages this rank sends.
final class CountingCommunicator: Communicator {
  private let other: any Communicator
  var sentBytes = 0

  init(_ other: any Communicator) { self.other = other }

  var rank: Int { other.rank }
  var size: Int { other.size }
  var nodes: NodeMap { other.nodes }

  func barrier() throws { try other.barrier() }
  func nodeBarrier() throws { try other.nodeBarrier() }
  func anyRank(says own: Bool) throws -> Bool { try other.anyRank(says: own) }
  func allGather(_ piece: UnsafeRawBufferPointer) throws -> [[UInt8]] { try other.allGather(piece) }
  func allocateNodeMemory(floats: Int) throws -> NodeMemory { try other.allocateNodeMemory(floats: floats) }

  func allGatherInPlace(
    _ buffer: UnsafeMutableRawPointer, partition: RankPartition, elementSize: Int
  ) throws {
    try other.allGatherInPlace(buffer, partition: partition, elementSize: elementSize)
  }

  func transfer(sending: [OutgoingMessage], receiving: [IncomingMessage]) throws {
    sentBytes += sending.reduce(0) { $0 + $1.bytes.count }
    try other.transfer(sending: sending, receiving: receiving)
  }
}
