import HATCore

/// A group of ranks that work in step: the few verbs the trainer needs.
///
/// Every verb is collective: all ranks call it in the same order with matching arguments, and each returns
/// when its own part is done. Every verb throws when a rank or the transport fails; nothing falls back silently.
public protocol Communicator: AnyObject {
  /// This process's number, 0 ..< `size`.
  var rank: Int { get }
  /// The number of ranks.
  var size: Int { get }

  /// Returns when every rank has called it.
  func barrier() throws

  /// Whether any rank says so, on every rank.
  func anyRank(says own: Bool) throws -> Bool

  /// Collects one piece from each rank, on every rank, in rank order. Pieces may differ in length and may be empty.
  func allGather(_ piece: UnsafeRawBufferPointer) throws -> [[UInt8]]

  /// Every rank contributes the elements of `partition` that are its own, which are already in its `buffer`.
  /// Afterwards every rank's buffer holds every rank's elements.
  /// - Parameter elementSize: in bytes.
  func allGatherInPlace(
    _ buffer: UnsafeMutableRawPointer, partition: RankPartition, elementSize: Int) throws

  /// Sends and receives messages, at most one each way between two ranks. Every rank calls it, also with none.
  func transfer(sending: [OutgoingMessage], receiving: [IncomingMessage]) throws

  /// Which ranks share a machine's memory.
  var nodes: NodeMap { get }

  /// Returns when every rank of this rank's node has called it. What each wrote before is then visible to all.
  func nodeBarrier() throws

  /// Allocates memory that all ranks of this rank's node share, `floats` of it as this rank's part. It is zero, each
  /// rank has touched its own part, and it lasts as long as the communicator.
  /// - Throws: `UserError` where the node does not have that much shared memory.
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

/// The transport, or another rank, failed: nothing the person running hat did wrong.
public struct CommunicationFailure: Error, Sendable, Equatable, CustomStringConvertible {
  public var description: String

  public init(_ description: String) {
    self.description = description
  }
}

/// Which elements of a buffer belong to which rank: one range each, possibly empty, not overlapping.
public struct RankPartition: Sendable, Equatable {
  public let ranges: [Range<Int>]

  public init(_ ranges: [Range<Int>]) {
    self.ranges = ranges
  }

  /// `count` elements in runs as even as whole elements allow, in rank order.
  public init(count: Int, ranks: Int) {
    ranges = (0..<ranks).map { count * $0 / ranks..<count * ($0 + 1) / ranks }
  }

  public subscript(rank: Int) -> Range<Int> { ranges[rank] }

  public func count(ofRank rank: Int) -> Int { ranges[rank].count }
}

/// Bytes for another rank.
public struct OutgoingMessage {
  public var rank: Int
  public var bytes: UnsafeRawBufferPointer

  public init(to rank: Int, _ bytes: UnsafeRawBufferPointer) {
    (self.rank, self.bytes) = (rank, bytes)
  }

  public init(to rank: Int, _ floats: FlatSlice) {
    self.init(to: rank, UnsafeRawBufferPointer(UnsafeBufferPointer(start: floats.base, count: floats.count)))
  }
}

/// Space for exactly the bytes another rank sends.
public struct IncomingMessage {
  public var rank: Int
  public var bytes: UnsafeMutableRawBufferPointer

  public init(from rank: Int, _ bytes: UnsafeMutableRawBufferPointer) {
    (self.rank, self.bytes) = (rank, bytes)
  }

  public init(from rank: Int, _ floats: FlatSlice) {
    self.init(
      from: rank,
      UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(start: floats.base, count: floats.count)))
  }
}
