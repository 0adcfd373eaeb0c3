import HATCore
import HATKernels

/// The parameters of a node, in memory its ranks share.
///
/// Whole: all of them, each updated in place by its owner or, where the owner is elsewhere, by what it sends. Sliced: what
/// stands before and behind the blocks, and room for one block, which is brought when it is needed.
final class ParameterStore {
  /// The flat buffer in which this rank updates what is its own; `share` makes it known.
  let own: FloatBuffer

  private let communicator: any Communicator
  private let sharding: Sharding
  private let spreader: SliceSpreader
  private let clock: PhaseClock
  private let memory: NodeMemory
  private let shared: WorkingUnits
  /// The block in the room there is for one.
  private var heldBlock: Int?

  /// Allocates, together with the other ranks.
  init(communicator: any Communicator, sharding: Sharding, clock: PhaseClock) throws {
    self.communicator = communicator
    self.sharding = sharding
    self.clock = clock
    spreader = SliceSpreader(communicator)
    let units = sharding.units
    let count = sharding.slicesParameters ? units.workingCount : units.count
    memory = try communicator.together { try Self.allocate(count, communicator) }
    shared = WorkingUnits(units: units, base: memory.floats.base)
    own = sharding.slicesParameters ? FloatBuffer(reserving: units.count) : memory.floats
  }

  /// One run of floats, of which each rank of the node is the first to touch its part.
  private static func allocate(_ count: Int, _ communicator: any Communicator) throws -> NodeMemory {
    let (ranks, place) = (
      communicator.nodes.neighbours(ofRank: communicator.rank).count,
      communicator.nodes.place(ofRank: communicator.rank)
    )
    let pages = NodeMemory.spacing(count) / NodeMemory.spacing(1)
    return try communicator.allocateNodeMemory(
      floats: (pages * (place + 1) / ranks - pages * place / ranks) * NodeMemory.spacing(1))
  }

  /// Makes what each rank has changed of what it updates known to all ranks.
  func share() throws {
    if sharding.slicesParameters {
      heldBlock = nil
      try bring(sharding.table.partitions.first!, to: shared.front)
      try bring(sharding.table.partitions.last!, to: shared.back)
    } else {
      // At stage 0 each node has updated all of it itself.
      for partition in sharding.table.partitions where sharding.stage > 0 {
        try clock.during(.exchange) { try spreader.spread(partition, from: own.base, into: own.base) }
      }
      try clock.during(.wait) { try communicator.nodeBarrier() }
    }
  }

  /// Puts the slices of all owners into this node's memory.
  private func bring(_ partition: RankPartition, to destination: FloatPointer) throws {
    try clock.during(.wait) { try communicator.nodeBarrier() }
    try clock.during(.exchange) {
      let slice = partition[communicator.rank]
      (destination + slice.lowerBound).update(from: own.base + slice.lowerBound, count: slice.count)
      try spreader.spread(partition, from: own.base, into: destination)
    }
    try clock.during(.wait) { try communicator.nodeBarrier() }
  }

  /// Takes part in bringing what a forward pass needs, on a rank that has none to do.
  func takePartInForwardPass() throws {
    for block in sharding.units.blocks.indices { try withParameters(ofBlock: block) { _ in } }
  }
}

extension ParameterStore: ModelParameters {
  var frontParameters: UnsafePointer<Float> { UnsafePointer(shared.front) }

  var backParameters: UnsafePointer<Float> {
    UnsafePointer(sharding.slicesParameters ? shared.back : own.base)
  }

  func withParameters(ofBlock block: Int, _ body: (UnsafePointer<Float>) -> Void) throws {
    guard sharding.slicesParameters else { return body(own.base) }
    if heldBlock != block {
      // Behind the front comes block 0.
      try bring(sharding.table.partitions[block + 1], to: shared.block(block))
      heldBlock = block
    }
    body(shared.block(block))
  }
}
