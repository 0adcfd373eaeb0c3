import HATCore
import HATKernels

/// A rank's gradients, where the ranks of its node can read them, and what it sums of them.
///
/// Whole: as many gradients as it takes to add up a run of micro-batches, and then all of it is summed over the ranks.
/// Sliced: what stands before and behind the blocks, and room for one block, which is summed over the ranks as soon as it
/// is complete; what a rank keeps of several micro-batches is only its slices.
final class GradientStore {
  private let sharding: Sharding
  private let reducer: GradientReducer
  private let spreader: SliceSpreader
  private let clock: PhaseClock
  /// What this rank owns.
  private let slices: [Range<Int>]
  private let memory: NodeMemory
  /// Where in it the part of each of the node's ranks begins, this rank's among them.
  private let bases: [UnsafePointer<Float>]
  private let ownBase: FloatPointer
  /// Gradients of the depths of a run behind the first, which lies in shared memory. [parameters] each
  private let runSums: [FloatBuffer]
  /// Sums over the ranks by depth of the rounds: flat buffers of which this rank's slices exist.
  private let roundSums: [FloatBuffer]

  /// Allocates, together with the other ranks.
  init(
    communicator: any Communicator, sharding: Sharding, format: GradientExchange, clock: PhaseClock,
    limit: Int = GradientReducer.defaultLimit
  ) throws {
    self.sharding = sharding
    self.clock = clock
    slices = sharding.table.slices(ofRank: communicator.rank)
    reducer = GradientReducer(
      communicator: communicator, longestSlice: sharding.table.longestSlice, format: format, clock: clock,
      limit: limit)
    spreader = SliceSpreader(communicator)
    let count = sharding.gradientFloats
    memory = try communicator.together { try communicator.allocateNodeMemory(floats: count) }
    bases = memory.parts.indices.map { [memory] in UnsafePointer(memory.part($0)) }
    ownBase = memory.part(communicator.nodes.place(ofRank: communicator.rank))
    runSums = (1..<sharding.runDepth).map { _ in FloatBuffer(zeroed: count) }
    if sharding.sumsInPlace {
      roundSums = [FloatBuffer(ownBase, count: count, ownedBy: memory.floats)]
    } else {
      roundSums = (0..<sharding.roundDepth).map { _ in FloatBuffer(reserving: sharding.units.count) }
    }
  }

  /// The sum over all micro-batches once `accumulate` has returned: a flat buffer of which this rank's slices are there,
  /// at stage 0 also those it updates for owners elsewhere.
  var sum: FloatBuffer { roundSums[0] }

  /// Calls `compute` for each of this rank's micro-batches, in order, with the memory its gradient must overwrite, and
  /// sums over the micro-batches and the ranks.
  func accumulate(
    with parameters: ParameterStore, compute: (_ number: Int, _ memory: ShardedMemory) throws -> Void
  ) throws {
    try MicroBatchTree.walk(
      sharding.tree.rounds,
      leaf: { round, depth in
        try clock.during(.compute) {
          if sharding.slicesGradients {
            try sumSliced(round, into: depth, with: parameters, compute: compute)
          } else {
            try sumWhole(round, into: depth, with: parameters, compute: compute)
          }
        }
      },
      add: { depth in clock.during(.reduction) { addRounds(depth) } })
    if sharding.stage == 0 {
      try clock.during(.exchange) {
        for partition in sharding.table.partitions {
          try spreader.spread(partition, from: sum.base, into: sum.base)
        }
      }
    }
  }

  private func sumWhole(
    _ round: Int, into depth: Int, with parameters: ParameterStore,
    compute: (_ number: Int, _ memory: ShardedMemory) throws -> Void
  ) throws {
    func buffer(_ depth: Int) -> FloatPointer { depth == 0 ? ownBase : runSums[depth - 1].base }
    let run = sharding.tree.run
    try MicroBatchTree.walk(
      run,
      leaf: { index, depth in
        try compute(round * run + index, ShardedMemory(parameters, .whole(buffer(depth))))
      },
      add: { depth in Vector.add(buffer(depth + 1), to: buffer(depth), count: sharding.units.count) })
    try reducer.reduce(
      sharding.table.partitions[0], of: NodeGradients(bases), into: roundSums[depth].base)
  }

  private func sumSliced(
    _ round: Int, into depth: Int, with parameters: ParameterStore,
    compute: (_ number: Int, _ memory: ShardedMemory) throws -> Void
  ) throws {
    try compute(round, ShardedMemory(parameters, .sliced(self, depth: depth)))
    try reduce(sharding.table.partitions.last!, at: working.back, into: depth)
    try reduce(sharding.table.partitions.first!, at: working.front, into: depth)
  }

  /// Where this rank's working gradient lies.
  var working: WorkingUnits { WorkingUnits(units: sharding.units, base: ownBase) }

  /// Sums a block's gradient, which is complete, over the ranks.
  func reduceBlock(_ block: Int, into depth: Int) throws {
    try reduce(sharding.table.partitions[block + 1], at: working.block(block), into: depth)
  }

  /// - Parameter place: where this rank's flat buffer would begin.
  private func reduce(_ partition: RankPartition, at place: FloatPointer, into depth: Int) throws {
    try reducer.reduce(
      partition, of: NodeGradients(bases, offset: place - ownBase), into: roundSums[depth].base)
  }

  private func addRounds(_ depth: Int) {
    for slice in slices {
      Vector.add(
        roundSums[depth + 1].base + slice.lowerBound, to: roundSums[depth].base + slice.lowerBound,
        count: slice.count)
    }
  }
}

extension Sharding {
  /// Floats of the gradient a rank shows the others.
  var gradientFloats: Int { slicesGradients ? units.workingCount : units.count }

  /// Gradients a rank needs to add up a run of micro-batches.
  var runDepth: Int { MicroBatchTree.depth(leaves: tree.run) }

  /// Sums of its slices a rank needs to add up the rounds.
  var roundDepth: Int { MicroBatchTree.depth(leaves: tree.rounds) }

  /// Whether the sum over the ranks may overwrite a rank's own gradient, which is done with then.
  var sumsInPlace: Bool { !slicesGradients && tree.rounds == 1 }
}
