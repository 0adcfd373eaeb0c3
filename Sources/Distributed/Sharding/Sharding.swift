import HATStorage

/// Which of {moments, gradients, parameters} exist whole and which only as the slices their owners keep: the ZeRO stages.
///
/// The ranks of a node share its memory, so that what is whole exists once a node; a gradient, which every rank makes for
/// itself, once a rank. From stage 1 on moments, from stage 2 on gradients and at stage 3 parameters are slices. On a
/// single node stage 1 keeps what stage 0 keeps, and stage 3 what stage 2 keeps: each float is there once already.
struct Sharding: Sendable {
  let stage: Int
  let nodes: NodeMap
  let units: ModelUnits
  let tree: MicroBatchTree
  let table: SliceTable

  static let stages = 0...3

  /// - Throws: `UserError` of kind `configuration` for a stage there is not, or micro-batches the ranks cannot share.
  init(stage: Int, nodes: NodeMap, units: ModelUnits, microBatches: Int) throws {
    guard Self.stages.contains(stage) else {
      throw UserError(
        .configuration, at: "training.zero_stage", "stage \(stage) is not available",
        hint: "Choose 0 (all is whole), 1 (moments are slices), 2 (gradients too) or 3 (parameters too).")
    }
    let ranks = nodes.nodeOfRank.count
    self.stage = stage
    self.nodes = nodes
    self.units = units
    tree = try MicroBatchTree(microBatches: microBatches, ranks: ranks, keepsSums: stage < 2)
    table = SliceTable(units: units.all, ranks: ranks, byUnit: stage >= 2)
  }

  /// Whether a block's gradient is summed over the ranks as soon as it is complete, and the whole never exists.
  var slicesGradients: Bool { stage >= 2 }

  /// Whether a node keeps its ranks' slices of the parameters and brings the rest when it is needed.
  var slicesParameters: Bool { stage >= 3 && nodes.count > 1 }

  /// What `rank` keeps moments of and updates: ranges of the flat buffer, in ascending order.
  func updatedRanges(ofRank rank: Int) -> [Range<Int>] {
    let owners = stage == 0 ? nodes.represented(byRank: rank) : [rank]
    return owners.flatMap(table.slices(ofRank:)).sorted { $0.lowerBound < $1.lowerBound }
  }
}
