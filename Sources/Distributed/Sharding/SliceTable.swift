import HATCore

/// Which rank owns which part of the flat parameter buffer.
///
/// The blocks of the buffer do not depend on the number of ranks. A rank owns a contiguous run of whole blocks (none if there are
/// more ranks than blocks): of the whole buffer, or of each unit, so that all ranks share the work when a unit is summed or
/// fetched alone. Runs are as even in their cost as the cuts allow; where each unit is divided, the largest runs go to
/// the ranks that have least.
public struct SliceTable: Sendable, Equatable {
  /// Floats in the whole buffer.
  public let count: Int
  public let blocks: FloatBlocks
  /// How the whole buffer, or each unit, is divided among the ranks. Floats, ascending.
  public let partitions: [RankPartition]
  private let ranks: Int

  /// - Parameters:
  ///   - units: the whole buffer, cut at the ends of the model's units.
  ///   - wholes: what must have one owner, ascending, each inside a unit.
  ///   - byUnit: whether each unit is divided separately.
  public init(units: [Range<Int>], wholes: [WholeRange] = [], ranks: Int, byUnit: Bool) {
    precondition(ranks > 0)
    self.ranks = ranks
    count = units.last?.upperBound ?? 0
    let blocks = FloatBlocks(units: units, wholes: wholes)
    self.blocks = blocks
    let groups = byUnit ? blocks.units : [blocks.stretches[...]]
    var loads = [Double](repeating: 0, count: ranks)
    partitions = groups.map { group in
      let shares = BlockShare.shares(of: group, ranks: ranks)
      let owned = byUnit ? Self.assign(shares, to: &loads) : shares.map(\.blocks)
      return RankPartition(owned.map { Self.floats(of: $0, blocks) })
    }
  }

  /// Gives each rank one share: the largest goes to the rank with the least load, equals in order.
  /// - Returns: the blocks of each rank.
  private static func assign(_ shares: [BlockShare], to loads: inout [Double]) -> [Range<Int>] {
    let ranks = loads.indices.sorted { (loads[$0], $0) < (loads[$1], $1) }
    let largest = shares.indices.sorted { (-shares[$0].cost, $0) < (-shares[$1].cost, $1) }
    var result = [Range<Int>](repeating: 0..<0, count: shares.count)
    for (rank, share) in zip(ranks, largest) {
      result[rank] = shares[share].blocks
      loads[rank] += shares[share].cost
    }
    return result
  }

  private static func floats(of share: Range<Int>, _ blocks: FloatBlocks) -> Range<Int> {
    let start =
      share.lowerBound < blocks.count ? blocks[share.lowerBound].lowerBound : blocks.last?.upperBound
    return (start ?? 0)..<(share.isEmpty ? start ?? 0 : blocks[share.upperBound - 1].upperBound)
  }

  /// The ranges of floats a rank owns, ascending, none empty.
  public func slices(ofRank rank: Int) -> [Range<Int>] {
    partitions.map { $0[rank] }.filter { !$0.isEmpty }
  }

  /// The blocks a rank owns, ascending.
  func ownedBlocks(ofRank rank: Int) -> [Int] { slices(ofRank: rank).flatMap(blocks.numbers(of:)) }

  /// The number of a rank among those that own something.
  func number(ofRank rank: Int) -> Int {
    (0..<rank).count { !slices(ofRank: $0).isEmpty }
  }

  /// Floats a rank owns.
  public func count(ofRank rank: Int) -> Int {
    partitions.reduce(0) { $0 + $1.count(ofRank: rank) }
  }

  /// Floats owned by the rank that owns most.
  public var largestShare: Int { (0..<ranks).map(count(ofRank:)).max()! }

  /// The longest range that a rank owns of one partition.
  var longestSlice: Int { partitions.map { $0.ranges.map(\.count).max()! }.max() ?? 0 }
}

/// Neighbouring blocks with the work of updating their floats.
private struct BlockShare {
  let blocks: Range<Int>
  let cost: Double

  /// Cuts stretches into one share for each rank, as even in their cost as may be.
  static func shares(of stretches: ArraySlice<FloatBlocks.Stretch>, ranks: Int) -> [BlockShare] {
    let cuts = BlockCuts(stretches)
    var number = 0
    let places = (0...ranks).map { rank in
      let even = cuts.last.cost * Double(rank) / Double(ranks)
      number = cuts.nearest(to: even, from: number)
      return cuts[number]
    }
    return zip(places, places.dropFirst()).map {
      BlockShare(blocks: $0.block..<$1.block, cost: $1.cost - $0.cost)
    }
  }
}

/// Where stretches may be cut: at their ends, and between blocks of one that need not be whole. Numbered from 0, the start.
private struct BlockCuts {
  /// A place before a block, with the cost of all blocks before it.
  typealias Cut = (block: Int, cost: Double)

  private let stretches: ArraySlice<FloatBlocks.Stretch>
  /// The number of the cut that each stretch starts at, and what is before it; and the last cut.
  private var starts: [(number: Int, cut: Cut)]

  init(_ stretches: ArraySlice<FloatBlocks.Stretch>) {
    self.stretches = stretches
    starts = [(0, (stretches.first?.first ?? 0, 0))]
    for stretch in stretches {
      let (number, cut) = starts.last!
      let blocks = stretch.end - stretch.first
      let cost = stretch.wholeCost ?? Double(blocks * FloatBlocks.length)
      starts.append((number + (stretch.wholeCost == nil ? blocks : 1), (stretch.end, cut.cost + cost)))
    }
  }

  var last: Cut { starts.last!.cut }

  subscript(number: Int) -> Cut {
    let index = starts.firstIndex(behind: { $0.number < number })
    let end = starts[index]
    guard number < end.number else { return end.cut }
    let (first, start) = starts[index - 1]
    let blocks = number - first
    return (start.block + blocks, start.cost + Double(blocks * FloatBlocks.length))
  }

  /// The number of the cut nearest to a cost, the first of equals, at `first` or behind it.
  func nearest(to cost: Double, from first: Int) -> Int {
    (first..<starts.last!.number).firstIndex(behind: { self[$0 + 1].cost - cost < cost - self[$0].cost })
  }
}
