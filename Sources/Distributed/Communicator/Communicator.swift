/// A group of ranks that work in step: the few verbs the trainer needs.
///
/// Every verb is collective: all ranks call it in the same order with matching arguments, and each returns
/// when its own part is done. Every verb throws when a rank or the transport fails; nothing falls back silently.
public protocol Communicator: AnyObject {
  /// This process's place, 0 ..< `size`.
  var rank: Int { get }
  /// Number of ranks.
  var size: Int { get }

  /// Returns when every rank has called it.
  func barrier() throws

  /// Makes `buffer` on every rank equal to that of `root`.
  func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) throws

  /// Whether any rank says so, on every rank.
  func anyRank(says own: Bool) throws -> Bool

  /// Collects one piece from each rank, on every rank, in rank order. Pieces may differ in length, also be empty.
  func allGather(_ piece: UnsafeRawBufferPointer) throws -> [[UInt8]]

  /// Every rank contributes the bytes of `partition` that are its own, which already lie in its `buffer`;
  /// afterwards every rank's buffer holds every rank's bytes.
  /// - Parameter elementSize: bytes of one element of `partition`.
  func allGatherInPlace(
    _ buffer: UnsafeMutableRawPointer, partition: RankPartition, elementSize: Int) throws

  /// Sends and receives messages, at most one each way between two ranks. Every rank calls it, also with none.
  func transfer(sending: [OutgoingMessage], receiving: [IncomingMessage]) throws

  /// Which ranks share a machine's memory.
  var nodes: NodeMap { get }

  /// Returns when every rank of this rank's node has called it; what each wrote before is then seen by all.
  func nodeBarrier() throws

  /// Sets memory aside that all ranks of this rank's node share, `floats` of it as this rank's part: zeros, which the
  /// rank itself has touched. It lasts as long as the communicator.
  /// - Throws: `UserError` where the node has not that much shared memory.
  func allocateNodeMemory(floats: Int) throws -> NodeMemory
}

extension Communicator {
  /// `allGatherInPlace` of elements of any plain type.
  public func allGatherInPlace<Element: BitwiseCopyable>(
    _ buffer: UnsafeMutablePointer<Element>, partition: RankPartition
  ) throws {
    try allGatherInPlace(
      UnsafeMutableRawPointer(buffer), partition: partition, elementSize: MemoryLayout<Element>.stride)
  }
}
