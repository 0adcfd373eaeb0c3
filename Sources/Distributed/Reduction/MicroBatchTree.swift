import HATStorage

/// The fixed binary tree in which a step's gradients are summed, and who computes which of its leaves.
///
/// Of M = 2^a · b micro-batches, b odd, each run of 2^a is a perfect binary tree; the b runs are halved again and again
/// above them. The R ranks compute a step in rounds. In a round each rank adds up a run of neighbouring micro-batches,
/// and the runs of all ranks, which are neighbours too, are brought together; the rounds are added last. Where R is a
/// power of two that divides M, every run, every group of neighbouring ranks that meets in the middle, and every group
/// of such rounds is a node of the tree: the sums are the same operations in the same order whatever R is. With other
/// rank counts they are still a fixed function of R.
public struct MicroBatchTree: Sendable, Equatable {
  public let microBatches: Int
  public let ranks: Int
  /// Times in a step the ranks bring their sums together.
  public let rounds: Int
  /// Neighbouring micro-batches a rank adds up before.
  public let run: Int

  /// - Parameter keepsSums: whether a rank has room for the sum of several micro-batches; without, each is a round.
  /// - Throws: `UserError` of kind `configuration` naming the rank counts that work.
  public init(microBatches: Int, ranks: Int, keepsSums: Bool = true) throws {
    precondition(microBatches > 0 && ranks > 0)
    guard microBatches % ranks == 0 else {
      let working = (1...microBatches).filter { microBatches % $0 == 0 }.map(String.init)
      throw UserError(
        .configuration, at: "training.micro_batches",
        "\(microBatches) micro-batches cannot be shared evenly by \(ranks) ranks",
        hint: "Use \(working.joined(separator: ", ")) ranks, or a multiple of \(ranks) micro-batches.")
    }
    self.microBatches = microBatches
    self.ranks = ranks
    let share = microBatches / ranks
    let isPowerOfTwo = ranks & (ranks - 1) == 0
    rounds = !keepsSums ? share : isPowerOfTwo ? microBatches / Self.perfectPart(of: microBatches) : 1
    run = share / rounds
  }

  /// The micro-batches of one rank, in the order it computes them.
  public func owned(byRank rank: Int) -> [Int] {
    (0..<rounds).flatMap { round in
      let start = (round * ranks + rank) * run
      return start..<start + run
    }
  }

  /// The place of a micro-batch among all, listed rank by rank in the order they compute them.
  func slot(ofMicroBatch index: Int) -> Int {
    let (round, within) = index.quotientAndRemainder(dividingBy: ranks * run)
    let (rank, number) = within.quotientAndRemainder(dividingBy: run)
    return rank * rounds * run + round * run + number
  }

  /// The largest power of two that divides `count`.
  private static func perfectPart(of count: Int) -> Int { count & -count }

  /// Buffers it takes to sum `leaves` leaves: one more than the tree is deep.
  public static func depth(leaves: Int) -> Int {
    var deepest = 0
    walk(leaves, leaf: { _, depth in deepest = max(deepest, depth) }, add: { _ in })
    return deepest + 1
  }

  /// Where the tree over a part of `total` leaves is cut in two.
  static func middle(of leaves: Range<Int>, total: Int) -> Int {
    let unit = perfectPart(of: total)
    return leaves.lowerBound + (leaves.count > unit ? leaves.count / unit / 2 * unit : leaves.count / 2)
  }

  /// Walks the tree over `count` leaves: `leaf(i, depth)` puts leaf i into the buffer of that depth, `add(depth)` adds
  /// the buffer of `depth + 1` to that of `depth`. The sum ends in the buffer of depth 0.
  public static func walk(
    _ count: Int, leaf: (_ index: Int, _ depth: Int) throws -> Void, add: (_ depth: Int) throws -> Void
  ) rethrows {
    try walk(0..<count, total: count, depth: 0, leaf: leaf, add: add)
  }

  private static func walk(
    _ leaves: Range<Int>, total: Int, depth: Int, leaf: (_ index: Int, _ depth: Int) throws -> Void,
    add: (_ depth: Int) throws -> Void
  ) rethrows {
    if leaves.count == 1 { return try leaf(leaves.lowerBound, depth) }
    let middle = middle(of: leaves, total: total)
    try walk(leaves.lowerBound..<middle, total: total, depth: depth, leaf: leaf, add: add)
    try walk(middle..<leaves.upperBound, total: total, depth: depth + 1, leaf: leaf, add: add)
    try add(depth)
  }
}
