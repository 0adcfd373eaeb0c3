import HATKernels

/// A group of one rank: a process that runs without `mpirun`.
public final class SoloCommunicator: Communicator {
  public let rank = 0
  public let size = 1

  public init() {}

  public func barrier() {}

  public func anyRank(says own: Bool) -> Bool { own }

  public func allGather(_ piece: UnsafeRawBufferPointer) -> [[UInt8]] {
    [Array(piece)]
  }

  public func allGatherInPlace(
    _ buffer: UnsafeMutableRawPointer, partition: RankPartition, elementSize: Int
  ) {}

  public func transfer(sending: [OutgoingMessage], receiving: [IncomingMessage]) {
    precondition(sending.isEmpty && receiving.isEmpty, "there is nobody else")
  }

  public let nodes = NodeMap(ranks: 1, nodes: 1)

  public func nodeBarrier() {}

  public func allocateNodeMemory(floats: Int) -> NodeMemory {
    NodeMemory(FloatBuffer(zeroed: NodeMemory.spacing(floats)), counts: [floats])
  }
}
