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
  /// Where the gradient of each rank of the node starts in `memory`, including this rank's, and its marks.
  private let bases: [UnsafePointer<Float>]
  private let marks: [RowMarks]
  private let own: GradientBuffer
  /// Gradients at depths 1, 2, … of a run; depth 0 is in shared memory. [parameters] each
  private let runSums: [GradientBuffer]
  /// Sums over the ranks, by depth in the tree of rounds: flat buffers of which this rank's slices exist.
  private let roundSums: [GradientBuffer]

  /// Allocates the memory. Collective.
  init(
    communicator: any Communicator, sharding: Sharding, format: GradientExchange, clock: PhaseClock,
    limit: Int = GradientReducer.defaultLimit
  ) throws {
    self.sharding = sharding
    self.clock = clock
    slices = sharding.table.slices(ofRank: communicator.rank)
    let (count, tables) = (sharding.gradientFloats, sharding.markedTables)
    reducer = GradientReducer(
      communicator: communicator, longestSlice: sharding.table.longestSlice, tables: tables, format: format,
      clock: clock, limit: limit)
    spreader = SliceSpreader(communicator, limit: limit)
    memory = try communicator.together {
      try communicator.allocateNodeMemory(floats: GradientBuffer.floats(count, tables))
    }
    let gradients = memory.parts.indices.map { [memory] place in
      GradientBuffer(memory.part(place), count: count, tables, owner: memory.floats)
    }
    bases = gradients.map { UnsafePointer($0.floats.base) }
    marks = gradients.compactMap(\.marks)
    own = gradients[communicator.nodes.place(ofRank: communicator.rank)]
    runSums = (1..<sharding.runDepth).map { _ in
      let buffer = FloatBuffer(zeroed: GradientBuffer.floats(count, tables))
      return GradientBuffer(buffer.base, count: count, tables, owner: buffer)
    }
    if sharding.sumsInPlace {
      roundSums = [own]
    } else {
      let count = sharding.tensors.count
      roundSums = (0..<sharding.roundDepth).map { _ in
        let buffer = FloatBuffer(reserving: GradientBuffer.floats(count, tables))
        return GradientBuffer(buffer.base, count: count, tables, owner: buffer)
      }
    }
  }

  /// The sum over all micro-batches, after `accumulate`: a flat buffer of which this rank's slices are valid, and at stage 0
  /// also those that it updates for owners on other nodes.
  var sum: GradientBuffer { roundSums[0] }

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
          try spreader.spread(
            partition, from: FlatSlice(sum.floats), into: FlatSlice(sum.floats), changed: sum.marks)
        }
      }
    }
  }

  private func sumWhole(
    _ round: Int, into depth: Int, with parameters: ParameterStore,
    compute: (_ number: Int, _ memory: ShardedMemory) throws -> Void
  ) throws {
    func buffer(_ depth: Int) -> Gradients { (depth == 0 ? own : runSums[depth - 1]).gradients }
    let run = sharding.tree.run
    try MicroBatchTree.walk(
      run,
      leaf: { index, depth in
        try compute(round * run + index, ShardedMemory(parameters, sharding, .whole(buffer(depth))))
      },
      add: { depth in buffer(depth).add(buffer(depth + 1), in: 0..<sharding.tensors.count) })
    try reducer.reduce(
      sharding.table.partitions[0], of: NodeGradients(bases, start: 0, marks: marks),
      into: roundSums[depth].gradients)
  }

  private func sumSliced(
    _ round: Int, into depth: Int, with parameters: ParameterStore,
    compute: (_ number: Int, _ memory: ShardedMemory) throws -> Void
  ) throws {
    try compute(round, ShardedMemory(parameters, sharding, .sliced(self, depth: depth)))
    try reduce(sharding.table.partitions.last!, at: working.back, into: depth)
    try reduce(sharding.table.partitions.first!, at: working.front, into: depth)
  }

  /// Where this rank's working gradient has its units.
  private var working: WorkingUnits { WorkingUnits(table: sharding.tensors, base: own.floats.base) }

  fileprivate var workingFront: Gradients { Gradients(working.front, marks: own.marks) }
  fileprivate var workingBack: Gradients { Gradients(working.back, marks: own.marks) }

  fileprivate func workingBlock(_ block: Int) -> Gradients {
    Gradients(working.block(block), marks: own.marks)
  }

  /// Sums the complete gradient of a block over the ranks. Collective.
  func reduceBlock(_ block: Int, into depth: Int) throws {
    try reduce(sharding.table.partitions[block + 1], at: working.block(block), into: depth)
  }

  /// - Parameter unit: this rank's gradient of the unit, at the same place in its memory as on every other rank.
  private func reduce(_ partition: RankPartition, at unit: FlatSlice, into depth: Int) throws {
    let offset = unit.base - own.floats.base
    try reducer.reduce(
      partition,
      of: NodeGradients(bases.map { $0 + offset }, start: unit.range.lowerBound, marks: marks),
      into: roundSums[depth].gradients)
  }

  private func addRounds(_ depth: Int) {
    let (sum, next) = (roundSums[depth].gradients, roundSums[depth + 1].gradients)
    for slice in slices { sum.add(next, in: slice) }
    // Also those of other owners' tables, whose rows this rank may receive.
    if let marks = sum.marks, let others = next.marks { marks.formUnion(others) }
  }
}

/// A gradient in memory, with the marks of its n-gram tables behind its floats.
struct GradientBuffer {
  let floats: FloatBuffer
  let marks: RowMarks?

  /// Floats of memory for a gradient of `count` floats.
  static func floats(_ count: Int, _ tables: RowTables?) -> Int {
    tables.map { marksStart(count) + 2 * $0.wordCount } ?? count
  }

  /// On a cache line of its own.
  private static func marksStart(_ count: Int) -> Int { (count + 15) / 16 * 16 }

  /// - Parameters:
  ///   - base: of zeros, as many as `floats(_:_:)` says.
  ///   - tables: whose touched rows are marked; nil for a gradient without marks.
  init(_ base: FloatPointer, count: Int, _ tables: RowTables?, owner: AnyObject) {
    floats = FloatBuffer(base, count: count, ownedBy: owner)
    marks = tables.map { tables in
      let start = UnsafeMutableRawPointer(base + Self.marksStart(count))
      return RowMarks(tables, start.bindMemory(to: UInt64.self, capacity: max(1, tables.wordCount)))
    }
  }

  var gradients: Gradients { Gradients(FlatSlice(floats), marks: marks) }
}

extension Sharding {
  /// The tables whose touched rows gradients mark; nil if there are none.
  var markedTables: RowTables? {
    let tables = RowTables(tensors)
    return tables.tables.isEmpty ? nil : tables
  }

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
    case whole(Gradients)
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
    case .whole(let flat): flat[sharding.tensors.front]
    case .sliced(let store, _): store.workingFront
    }
  }

  var backGradients: Gradients {
    switch gradient {
    case .whole(let flat): flat[sharding.tensors.back]
    case .sliced(let store, _): store.workingBack
    }
  }

  func withWeights(ofBlock block: Int, _ body: (Weights) -> Void) throws {
    try parameters.withWeights(ofBlock: block, body)
  }

  func withGradients(ofBlock block: Int, _ body: (Weights, Gradients) -> Void) throws {
    switch gradient {
    case .whole(let flat):
      let gradients = flat[sharding.tensors.blocks[block]]
      try parameters.withWeights(ofBlock: block) { body($0, gradients) }
    case .sliced(let store, let depth):
      try parameters.withWeights(ofBlock: block) { body($0, store.workingBlock(block)) }
      try store.reduceBlock(block, into: depth)
    }
  }
}
