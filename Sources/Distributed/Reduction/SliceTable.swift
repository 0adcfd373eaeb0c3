/// Who owns which part of the flat parameter buffer.
///
/// The buffer is cut into blocks of 4096 floats that begin anew at each unit of the model; their places do not depend on
/// the rank count. A rank owns a run of whole blocks (none, when there are more ranks than blocks): of the whole
/// buffer, or of each unit, so that all ranks have their share of work when a unit is summed or brought on its own.
public struct SliceTable: Sendable, Equatable {
  /// Floats of a block; the last one of a unit may be shorter.
  public static let blockLength = 4096

  /// Floats in the whole buffer.
  public let count: Int
  /// The floats of each block.
  public let blocks: [Range<Int>]
  /// What is shared out among the ranks on its own: the whole buffer, or each unit. Floats, in ascending order.
  public let partitions: [RankPartition]
  /// The blocks each rank owns, in ascending order.
  let ownedBlocks: [[Int]]

  /// - Parameters:
  ///   - units: the whole buffer, cut where the model's parts end.
  ///   - byUnit: whether each unit is shared out on its own.
  public init(units: [Range<Int>], ranks: Int, byUnit: Bool) {
    precondition(ranks > 0 && zip(units, units.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
    count = units.last?.upperBound ?? 0
    let blocksOfUnits = units.map(Self.blocks(of:))
    let blocks = blocksOfUnits.flatMap { $0 }
    self.blocks = blocks
    var end = 0
    let groups = (byUnit ? blocksOfUnits.map(\.count) : [blocks.count]).map { count in
      defer { end += count }
      return end..<end + count
    }
    let shares = groups.map { group in
      (0..<ranks).map {
        group.lowerBound + group.count * $0 / ranks..<group.lowerBound + group.count * ($0 + 1) / ranks
      }
    }
    ownedBlocks = (0..<ranks).map { rank in shares.flatMap { Array($0[rank]) } }
    partitions = shares.map { shares in
      RankPartition(
        shares.map { share in
          share.isEmpty
            ? Self.emptyRange(at: share.lowerBound, blocks)
            : blocks[share.lowerBound].lowerBound..<blocks[share.upperBound - 1].upperBound
        })
    }
  }

  /// A buffer of one unit.
  public init(count: Int, ranks: Int) {
    self.init(units: [0..<count], ranks: ranks, byUnit: false)
  }

  private static func blocks(of unit: Range<Int>) -> [Range<Int>] {
    stride(from: unit.lowerBound, to: unit.upperBound, by: blockLength).map {
      $0..<min(unit.upperBound, $0 + blockLength)
    }
  }

  private static func emptyRange(at block: Int, _ blocks: [Range<Int>]) -> Range<Int> {
    let place = block < blocks.count ? blocks[block].lowerBound : blocks.last?.upperBound ?? 0
    return place..<place
  }

  public var rankCount: Int { ownedBlocks.count }

  /// What a rank owns: ranges of floats in ascending order, none empty.
  public func slices(ofRank rank: Int) -> [Range<Int>] {
    partitions.map { $0[rank] }.filter { !$0.isEmpty }
  }

  /// The same, each with its number among all ranks' slices in the order of the buffer.
  func numberedSlices(ofRank rank: Int) -> [(number: Int, range: Range<Int>)] {
    let starts = (0..<rankCount).flatMap(slices(ofRank:)).map(\.lowerBound).sorted()
    let numbers = Dictionary(uniqueKeysWithValues: starts.enumerated().map { ($0.element, $0.offset) })
    return slices(ofRank: rank).map { (numbers[$0.lowerBound]!, $0) }
  }

  /// Floats a rank owns.
  public func count(ofRank rank: Int) -> Int {
    partitions.reduce(0) { $0 + $1.count(ofRank: rank) }
  }

  /// Floats owned by the rank that owns most.
  public var largestShare: Int { (0..<rankCount).map(count(ofRank:)).max()! }

  /// The longest run of floats a rank owns of one partition.
  var longestSlice: Int { partitions.map { $0.ranges.map(\.count).max()! }.max() ?? 0 }
}
