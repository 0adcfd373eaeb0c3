import HATCore
import HATKernels

/// The parameters of a node, in memory its ranks share.
///
/// Whole: all parameters. Each is updated in place by its owner, or received from an owner on another node. Sliced: the
/// units before and after the blocks, and room for one block, which is fetched when it is needed.
final class ParameterStore {
  /// The flat buffer in which this rank updates its own slice. `share` passes it to the other ranks.
  let own: FloatBuffer

  private let communicator: any Communicator
  private let sharding: Sharding
  private let spreader: SliceSpreader
  private let clock: PhaseClock
  private let memory: NodeMemory
  private let shared: WorkingUnits
  /// The block that is held now.
  private var heldBlock: Int?

  /// Allocates the memory. Collective.
  /// - Parameter limit: floats of rows of n-gram tables in transit at once.
  init(
    communicator: any Communicator, sharding: Sharding, clock: PhaseClock,
    limit: Int = GradientReducer.defaultLimit
  ) throws {
    self.communicator = communicator
    self.sharding = sharding
    self.clock = clock
    spreader = SliceSpreader(communicator, limit: limit)
    let tensors = sharding.tensors
    let count = sharding.slicesParameters ? tensors.workingCount : tensors.count
    memory = try communicator.together { try Self.allocate(count, communicator) }
    shared = WorkingUnits(table: tensors, base: memory.floats.base)
    own =
      sharding.slicesParameters
      ? FloatBuffer(reserving: tensors.count)
      : FloatBuffer(memory.floats.base, count: tensors.count, ownedBy: memory.floats)
  }

  /// A contiguous run of floats. Each rank of the node touches its own part first.
  private static func allocate(_ count: Int, _ communicator: any Communicator) throws -> NodeMemory {
    let (ranks, place) = (
      communicator.nodes.neighbours(ofRank: communicator.rank).count,
      communicator.nodes.place(ofRank: communicator.rank)
    )
    let pages = NodeMemory.spacing(count) / NodeMemory.spacing(1)
    return try communicator.allocateNodeMemory(
      floats: (pages * (place + 1) / ranks - pages * place / ranks) * NodeMemory.spacing(1))
  }

  /// Shares every rank's updated parameters with all ranks. Collective.
  /// - Parameter changed: the rows of n-gram tables that have changed since the last call; nil for all.
  func share(changed: RowMarks? = nil) throws {
    if sharding.slicesParameters {
      heldBlock = nil
      try bring(sharding.table.partitions.first!, to: shared.front, changed)
      try bring(sharding.table.partitions.last!, to: shared.back, changed)
    } else {
      // At stage 0 each node has updated all parameters itself.
      for partition in sharding.table.partitions where sharding.stage > 0 {
        try clock.during(.exchange) {
          try spreader.spread(partition, from: FlatSlice(own), into: FlatSlice(own), changed: changed)
        }
      }
      try clock.during(.wait) { try communicator.nodeBarrier() }
    }
  }

  /// Fetches the slices of all owners into this node's memory.
  private func bring(
    _ partition: RankPartition, to destination: FlatSlice, _ changed: RowMarks? = nil
  ) throws {
    try clock.during(.wait) { try communicator.nodeBarrier() }
    try clock.during(.exchange) {
      let slice = TouchedFloats(of: partition[communicator.rank], changed)
      slice.forEachRun(in: 0..<slice.count) { floats, _ in
        destination[floats].base.update(from: own.base + floats.lowerBound, count: floats.count)
      }
      try spreader.spread(partition, from: FlatSlice(own), into: destination, changed: changed)
    }
    try clock.during(.wait) { try communicator.nodeBarrier() }
  }

  /// All parameters, on rank 0; nil on the others. Collective. They are valid until the next `share`.
  ///
  /// Where parameters are sliced, rank 0 takes memory for all of them meanwhile.
  func whole() throws -> ModelWeights? {
    let isFirst = communicator.rank == 0
    guard sharding.slicesParameters else {
      return isFirst ? ModelWeights(sharding.tensors, in: own) : nil
    }
    let all = isFirst ? FloatBuffer(reserving: sharding.tensors.count) : nil
    func take(_ weights: Weights) {
      guard let all else { return }
      (all.base + weights.range.lowerBound).update(from: weights.base, count: weights.range.count)
    }
    take(front)
    take(back)
    for block in sharding.tensors.blocks.indices { try withWeights(ofBlock: block, take) }
    return all.map { ModelWeights(sharding.tensors, in: $0) }
  }

  /// Takes part in fetching the parameters of a forward pass, on a rank that has none to compute.
  func takePartInForwardPass() throws {
    for block in sharding.tensors.blocks.indices { try withWeights(ofBlock: block) { _ in } }
  }
}

extension ParameterStore: ModelParameters {
  var front: Weights {
    (sharding.slicesParameters ? shared.front : FlatSlice(own)[sharding.tensors.front]).weights
  }

  var back: Weights {
    (sharding.slicesParameters ? shared.back : FlatSlice(own)[sharding.tensors.back]).weights
  }

  func withWeights(ofBlock block: Int, _ body: (Weights) -> Void) throws {
    guard sharding.slicesParameters else {
      return body(FlatSlice(own)[sharding.tensors.blocks[block]].weights)
    }
    if heldBlock != block {
      // Partition 0 is the front, so that of block 0 is number 1.
      try bring(sharding.table.partitions[block + 1], to: shared.block(block))
      heldBlock = block
    }
    body(shared.block(block).weights)
  }
}

/// Memory for the front, the back and one block at a time, in this order.
struct WorkingUnits {
  let table: TensorTable
  /// [table.workingCount]
  let base: FloatPointer

  var front: FlatSlice { FlatSlice(base, table.front) }
  var back: FlatSlice { FlatSlice(base + table.front.count, table.back) }

  func block(_ block: Int) -> FlatSlice {
    FlatSlice(base + table.front.count + table.back.count, table.blocks[block])
  }
}
