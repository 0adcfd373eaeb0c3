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

  /// Collects one piece from each rank, on every rank, in rank order. Pieces may differ in length, also be empty.
  func allGather(_ piece: UnsafeRawBufferPointer) throws -> [[UInt8]]

  /// Every rank contributes the bytes of `partition` that are its own, which already lie in its `buffer`;
  /// afterwards every rank's buffer holds every rank's bytes.
  /// - Parameter elementSize: bytes of one element of `partition`.
  func allGatherInPlace(
    _ buffer: UnsafeMutableRawPointer, partition: RankPartition, elementSize: Int) throws

  /// Sends each rank r the floats `partition[r]` of `send`, and receives from each rank the floats it holds for
  /// this one: rank r's lie at `receive + r * partition.count(ofRank: rank)`.
  func exchange(
    _ send: UnsafePointer<Float>, partition: RankPartition, into receive: UnsafeMutablePointer<Float>
  ) throws
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
