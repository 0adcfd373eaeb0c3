import HATCore
import HATKernels

/// A rank's gradients, in memory that the ranks of its node can read, and its sums of them.
///
/// Whole: enough full gradients to add up a run of micro-batches; the result is then summed over the ranks. Sliced: the
/// units before and after the blocks, and room for one block, which is summed over the ranks as soon as it is complete. A
/// rank then keeps only its own slices of the sums over micro-batches.
final class GradientStore {
  private let sharding: Sharding
  private let reducer: GradientReducer
  private let spreader: SliceSpreader
  private let clock: PhaseClock
  /// The floats this rank owns.
  private let slices: [Range<Int>]
  private let memory: NodeMemory
  /// The start of each rank of the node's part of `memory`, including this rank's.
  private let bases: [UnsafePointer<Float>]
  private let ownBase: FloatPointer
  /// Gradients at depths 1, 2, … of a run; depth 0 is in shared memory. [parameters] each
  private let runSums: [FloatBuffer]
  /// Sums over the ranks, by depth in the tree of rounds: flat buffers of which this rank's slices exist.
  private let roundSums: [FloatBuffer]

  /// Allocates the memory. Collective.
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
      roundSums = (0..<sharding.roundDepth).map { _ in FloatBuffer(reserving: sharding.tensors.count) }
    }
  }

  /// The sum over all micro-batches, after `accumulate`: a flat buffer of which this rank's slices are valid, and at stage 0
  /// also those that it updates for owners on other nodes.
  var sum: FloatBuffer { roundSums[0] }

  /// Calls `compute` for each of this rank's micro-batches, in order, with the memory to write its gradient to, and sums
  /// over micro-batches and ranks. Collective.
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
          try spreader.spread(partition, from: FlatSlice(sum), into: FlatSlice(sum))
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
        let gradient = FlatSlice(buffer(depth), 0..<sharding.tensors.count)
        try compute(round * run + index, ShardedMemory(parameters, sharding, .whole(gradient)))
      },
      add: { depth in Vector.add(buffer(depth + 1), to: buffer(depth), count: sharding.tensors.count) })
    try reducer.reduce(
      sharding.table.partitions[0], of: NodeGradients(bases, start: 0), into: FlatSlice(roundSums[depth]))
  }

  private func sumSliced(
    _ round: Int, into depth: Int, with parameters: ParameterStore,
    compute: (_ number: Int, _ memory: ShardedMemory) throws -> Void
  ) throws {
    try compute(round, ShardedMemory(parameters, sharding, .sliced(self, depth: depth)))
    try reduce(sharding.table.partitions.last!, at: working.back, into: depth)
    try reduce(sharding.table.partitions.first!, at: working.front, into: depth)
  }

  /// This rank's working gradient.
  var working: WorkingUnits { WorkingUnits(table: sharding.tensors, base: ownBase) }

  /// Sums the complete gradient of a block over the ranks. Collective.
  func reduceBlock(_ block: Int, into depth: Int) throws {
    try reduce(sharding.table.partitions[block + 1], at: working.block(block), into: depth)
  }

  /// - Parameter unit: this rank's gradient of the unit, at the same place in its memory as on every other rank.
  private func reduce(_ partition: RankPartition, at unit: FlatSlice, into depth: Int) throws {
    let offset = unit.base - ownBase
    try reducer.reduce(
      partition, of: NodeGradients(bases.map { $0 + offset }, start: unit.range.lowerBound),
      into: FlatSlice(roundSums[depth]))
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
  /// Floats of the gradient that the other ranks of the node read.
  var gradientFloats: Int { slicesGradients ? tensors.workingCount : tensors.count }

  /// Gradients that a rank needs to add up a run of micro-batches.
  var runDepth: Int { MicroBatchTree.depth(leaves: tree.run) }

  /// Sums of its slices that a rank needs to add up the rounds.
  var roundDepth: Int { MicroBatchTree.depth(leaves: tree.rounds) }

  /// Whether the sum over the ranks may overwrite a rank's own gradient.
  var sumsInPlace: Bool { !slicesGradients && tree.rounds == 1 }
}

/// The memory a rank computes the gradient of a micro-batch in.
struct ShardedMemory: ModelMemory {
  enum Gradient {
    /// A flat buffer.
    case whole(FlatSlice)
    /// Working memory. Each complete block is summed over the ranks, into the sum at this depth.
    case sliced(GradientStore, depth: Int)
  }

  private let parameters: ParameterStore
  private let sharding: Sharding
  private let gradient: Gradient

  init(_ parameters: ParameterStore, _ sharding: Sharding, _ gradient: Gradient) {
    (self.parameters, self.sharding, self.gradient) = (parameters, sharding, gradient)
  }

  var front: Weights { parameters.front }
  var back: Weights { parameters.back }

  var frontGradients: Gradients {
    switch gradient {
    case .whole(let flat): flat[sharding.tensors.front].gradients
    case .sliced(let store, _): store.working.front.gradients
    }
  }

  var backGradients: Gradients {
    switch gradient {
    case .whole(let flat): flat[sharding.tensors.back].gradients
    case .sliced(let store, _): store.working.back.gradients
    }
  }

  func withWeights(ofBlock block: Int, _ body: (Weights) -> Void) throws {
    try parameters.withWeights(ofBlock: block, body)
  }

  func withGradients(ofBlock block: Int, _ body: (Weights, Gradients) -> Void) throws {
    switch gradient {
    case .whole(let flat):
      let gradients = flat[sharding.tensors.blocks[block]].gradients
      try parameters.withWeights(ofBlock: block) { body($0, gradients) }
    case .sliced(let store, let depth):
      try parameters.withWeights(ofBlock: block) { body($0, store.working.block(block).gradients) }
      try store.reduceBlock(block, into: depth)
    }
  }
}
