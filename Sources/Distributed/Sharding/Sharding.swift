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
  /// - Throws: `UserError` of kind `configuration` if the micro-batches do not divide by the ranks.
  init(
    stage: Int, nodes: NodeMap, _ tensors: TensorTable, _ rule: any OptimizerRule, microBatches: Int
  ) throws {
    precondition(Self.stages.contains(stage), "a valid configuration has one of these")
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
