import HATCore
import HATStorage

/// Which of optimiser state, gradients and parameters exist whole, and which only as slices on the ranks that own them: the
/// ZeRO stages.
///
/// Stage 1 slices the optimiser state, stage 2 also the gradients, stage 3 also the parameters. The ranks of a node share
/// its memory, so whole parameters exist once per node; whole gradients exist once per rank. On a single node stage 1
/// therefore equals stage 0, and stage 3 equals stage 2.
struct Sharding: Sendable {
  let stage: Int
  let nodes: NodeMap
  let tensors: TensorTable
  let tree: MicroBatchTree
  let table: SliceTable

  static let stages = 0...3

  /// - Parameter rule: decides which tensors must have one owner.
  /// - Throws: `UserError` of kind `configuration` if there is no such stage, or the micro-batches do not divide by the ranks.
  init(
    stage: Int, nodes: NodeMap, _ tensors: TensorTable, _ rule: any OptimizerRule, microBatches: Int
  ) throws {
    guard Self.stages.contains(stage) else {
      throw UserError(
        .configuration, at: "training.zero_stage", "stage \(stage) is not available",
        hint:
          "Choose 0 (all is whole), 1 (optimiser state is sliced), 2 (gradients too) or 3 (parameters too).")
    }
    let ranks = nodes.nodeOfRank.count
    self.stage = stage
    self.nodes = nodes
    self.tensors = tensors
    tree = try MicroBatchTree(microBatches: microBatches, ranks: ranks, keepsSums: stage < 2)
    table = SliceTable(
      units: tensors.units, wholes: rule.wholes(of: tensors), ranks: ranks, byUnit: stage >= 2)
  }

  /// Whether each block's gradient is summed over the ranks as soon as it is complete, so that the whole never exists.
  var slicesGradients: Bool { stage >= 2 }

  /// Whether a node keeps only its ranks' slices of the parameters and fetches the rest when it is needed.
  var slicesParameters: Bool { stage >= 3 && nodes.count > 1 }

  /// The parameters that `rank` updates and keeps optimiser state of: ranges of the flat buffer, ascending.
  func updatedRanges(ofRank rank: Int) -> [Range<Int>] {
    let owners = stage == 0 ? nodes.represented(byRank: rank) : [rank]
    return owners.flatMap(table.slices(ofRank:)).sorted { $0.lowerBound < $1.lowerBound }
  }
}

/// Floats that must have one owner.
public struct WholeRange: Sendable, Equatable {
  public let floats: Range<Int>
  /// The work of updating them; that of updating other floats is 1 each.
  public let cost: Double

  public init(floats: Range<Int>, cost: Double) { (self.floats, self.cost) = (floats, cost) }
}

/// Which rank owns which part of the flat parameter buffer.
///
/// The buffer is cut into blocks of 4096 floats, starting at each unit of the model and at each tensor that must have one
/// owner. The blocks do not depend on the number of ranks. A rank owns a contiguous run of whole blocks (none if there are
/// more ranks than blocks): of the whole buffer, or of each unit, so that all ranks share the work when a unit is summed or
/// fetched alone. Runs are as even in their cost as the cuts allow; where each unit is divided, the largest runs go to
/// the ranks that have least.
public struct SliceTable: Sendable, Equatable {
  /// Floats per block; the last block of a unit or tensor may be shorter.
  public static let blockLength = 4096

  /// Floats in the whole buffer.
  public let count: Int
  /// The floats of each block.
  public let blocks: [Range<Int>]
  /// How the whole buffer, or each unit, is divided among the ranks. Floats, ascending.
  public let partitions: [RankPartition]
  /// The blocks each rank owns, ascending.
  let ownedBlocks: [[Int]]

  /// - Parameters:
  ///   - units: the whole buffer, cut at the ends of the model's units.
  ///   - wholes: what must have one owner, ascending, each inside a unit.
  ///   - byUnit: whether each unit is divided separately.
  public init(units: [Range<Int>], wholes: [WholeRange] = [], ranks: Int, byUnit: Bool) {
    precondition(ranks > 0 && zip(units, units.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
    count = units.last?.upperBound ?? 0
    var blocks: [Range<Int>] = []
    // Runs of blocks that must not be cut, and where each unit ends among them.
    var (runs, ends) = ([BlockRun](), [Int]())
    for unit in units {
      for (floats, cost) in Self.parts(of: unit, wholes) {
        let first = blocks.count
        blocks += Self.blocks(of: floats)
        if let cost {
          runs.append(BlockRun(blocks: first..<blocks.count, cost: cost))
        } else {
          runs += (first..<blocks.count).map {
            BlockRun(blocks: $0..<$0 + 1, cost: Double(Self.blockLength))
          }
        }
      }
      ends.append(runs.count)
    }
    self.blocks = blocks
    let groups = byUnit ? zip([0] + ends, ends).map { runs[$0..<$1] } : [runs[...]]
    var loads = [Double](repeating: 0, count: ranks)
    let shares = groups.map { group in
      let shares = BlockRun.shares(of: group, ranks: ranks)
      return byUnit ? Self.assign(shares, to: &loads) : shares.map(\.blocks)
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

  /// Cuts a unit into ranges that may be cut at blocks, which have no cost of their own, and ranges that must not be cut.
  private static func parts(
    of unit: Range<Int>, _ wholes: [WholeRange]
  ) -> [(floats: Range<Int>, cost: Double?)] {
    var parts: [(floats: Range<Int>, cost: Double?)] = []
    var end = unit.lowerBound
    for whole in wholes where unit.overlaps(whole.floats) {
      precondition(whole.floats.lowerBound >= end && whole.floats.upperBound <= unit.upperBound)
      if end < whole.floats.lowerBound { parts.append((end..<whole.floats.lowerBound, nil)) }
      parts.append((whole.floats, whole.cost))
      end = whole.floats.upperBound
    }
    if end < unit.upperBound { parts.append((end..<unit.upperBound, nil)) }
    return parts
  }

  /// Gives each rank one share: the largest goes to the rank with the least load, equals in order.
  /// - Returns: the blocks of each rank.
  private static func assign(_ shares: [BlockRun], to loads: inout [Double]) -> [Range<Int>] {
    let ranks = loads.indices.sorted { (loads[$0], $0) < (loads[$1], $1) }
    let largest = shares.indices.sorted { (-shares[$0].cost, $0) < (-shares[$1].cost, $1) }
    var result = [Range<Int>](repeating: 0..<0, count: shares.count)
    for (rank, share) in zip(ranks, largest) {
      result[rank] = shares[share].blocks
      loads[rank] += shares[share].cost
    }
    return result
  }

  private static func blocks(of run: Range<Int>) -> [Range<Int>] {
    stride(from: run.lowerBound, to: run.upperBound, by: blockLength).map {
      $0..<min(run.upperBound, $0 + blockLength)
    }
  }

  private static func emptyRange(at block: Int, _ blocks: [Range<Int>]) -> Range<Int> {
    let place = block < blocks.count ? blocks[block].lowerBound : blocks.last?.upperBound ?? 0
    return place..<place
  }

  /// The ranges of floats a rank owns, ascending, none empty.
  public func slices(ofRank rank: Int) -> [Range<Int>] {
    partitions.map { $0[rank] }.filter { !$0.isEmpty }
  }

  /// The number of a rank among those that own something.
  func number(ofRank rank: Int) -> Int {
    (0..<rank).count { !slices(ofRank: $0).isEmpty }
  }

  /// Floats a rank owns.
  public func count(ofRank rank: Int) -> Int {
    partitions.reduce(0) { $0 + $1.count(ofRank: rank) }
  }

  /// Floats owned by the rank that owns most.
  public var largestShare: Int { ownedBlocks.indices.map(count(ofRank:)).max()! }

  /// The longest range that a rank owns of one partition.
  var longestSlice: Int { partitions.map { $0.ranges.map(\.count).max()! }.max() ?? 0 }
}

/// Neighbouring blocks with the work of updating their floats.
private struct BlockRun {
  let blocks: Range<Int>
  let cost: Double

  /// Cuts a list of runs into one share for each rank, as even in their cost as may be.
  static func shares(of runs: ArraySlice<BlockRun>, ranks: Int) -> [BlockRun] {
    let start = runs.first?.blocks.lowerBound ?? 0
    // The end of each run, and the cost up to there.
    var cuts = [(block: start, cost: 0.0)]
    for run in runs { cuts.append((run.blocks.upperBound, cuts.last!.cost + run.cost)) }
    var number = 0
    let places = (0...ranks).map { rank in
      let even = cuts.last!.cost * Double(rank) / Double(ranks)
      while number + 1 < cuts.count && cuts[number + 1].cost - even < even - cuts[number].cost { number += 1 }
      return cuts[number]
    }
    return zip(places, places.dropFirst()).map {
      BlockRun(blocks: $0.block..<$1.block, cost: $1.cost - $0.cost)
    }
  }
}
