/// The group of one: a process that runs without `mpirun`.
public final class SoloCommunicator: Communicator {
  public let rank = 0
  public let size = 1

  public init() {}

  public func barrier() {}

  public func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) {
    precondition(root == 0)
  }

  public func allGather(_ piece: UnsafeRawBufferPointer) -> [[UInt8]] {
    [Array(piece)]
  }

  public func allGatherInPlace(
    _ buffer: UnsafeMutableRawPointer, partition: RankPartition, elementSize: Int
  ) {}

  public func exchange(
    _ send: UnsafePointer<Float>, partition: RankPartition, into receive: UnsafeMutablePointer<Float>
  ) {
    receive.update(from: send + partition[0].lowerBound, count: partition[0].count)
  }
}
