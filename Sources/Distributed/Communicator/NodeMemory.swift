import HATKernels

/// Memory all ranks of a node read and write: a part for each, behind each other in the order of the ranks.
public struct NodeMemory: @unchecked Sendable {
  /// All parts.
  public let floats: FloatBuffer
  /// Where in `floats` the part of each of the node's ranks lies.
  public let parts: [Range<Int>]

  init(_ floats: FloatBuffer, counts: [Int]) {
    self.floats = floats
    var end = 0
    parts = counts.map { count in
      defer { end += Self.spacing(count) }
      return end..<end + count
    }
  }

  /// Floats a part takes: whole pages, so that each lies in memory near the rank that touches it first.
  static func spacing(_ count: Int) -> Int { (count + 1023) / 1024 * 1024 }

  /// The first float of the part of the rank at `place` of the node.
  public func part(_ place: Int) -> FloatPointer { floats.base + parts[place].lowerBound }
}
