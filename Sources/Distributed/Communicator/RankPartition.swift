/// Which elements of a buffer belong to which rank: one range each, possibly empty, not overlapping.
public struct RankPartition: Sendable, Equatable {
  public let ranges: [Range<Int>]

  public init(_ ranges: [Range<Int>]) {
    self.ranges = ranges
  }

  /// `count` elements in as even runs as whole elements allow, in rank order.
  public init(count: Int, ranks: Int) {
    ranges = (0..<ranks).map { count * $0 / ranks..<count * ($0 + 1) / ranks }
  }

  public subscript(rank: Int) -> Range<Int> { ranges[rank] }

  public func count(ofRank rank: Int) -> Int { ranges[rank].count }
}
