import HATStorage

/// The fixed binary tree in which a step's gradients are summed: the node over micro-batches [lo, hi) is the sum
/// of those over [lo, mid) and [mid, hi), mid = (lo + hi) / 2.
///
/// Each of R ranks computes a run of M/R micro-batches. Where R is a power of two that run is one node of the
/// tree, and so is any group of neighbouring ranks that meets in the middle: the sums are the same operations
/// in the same order whatever R is. With other rank counts the run is still a fixed function of R.
public struct MicroBatchTree: Sendable {
  public let microBatches: Int
  public let ranks: Int

  /// - Throws: `UserError` of kind `configuration` naming the rank counts that work.
  public init(microBatches: Int, ranks: Int) throws {
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
  }

  /// The micro-batches of one rank.
  public func owned(byRank rank: Int) -> Range<Int> {
    let share = microBatches / ranks
    return rank * share..<(rank + 1) * share
  }

  /// Buffers a rank needs to sum its micro-batches: one more than the depth of its subtree.
  public var depth: Int {
    MicroBatchTree.depth(leaves: microBatches / ranks)
  }

  private static func depth(leaves: Int) -> Int {
    leaves == 1 ? 1 : depth(leaves: leaves - leaves / 2) + 1
  }

  /// Walks the tree over `leaves`: `leaf(i, depth)` puts leaf i into the buffer of that depth,
  /// `add(depth)` adds the buffer of `depth + 1` to that of `depth`. The sum ends in the buffer of depth 0.
  public static func walk(
    _ leaves: Range<Int>, depth: Int = 0, leaf: (_ index: Int, _ depth: Int) throws -> Void,
    add: (_ depth: Int) throws -> Void
  ) rethrows {
    if leaves.count == 1 { return try leaf(leaves.lowerBound, depth) }
    let middle = (leaves.lowerBound + leaves.upperBound) / 2
    try walk(leaves.lowerBound..<middle, depth: depth, leaf: leaf, add: add)
    try walk(middle..<leaves.upperBound, depth: depth + 1, leaf: leaf, add: add)
    try add(depth)
  }

  /// Sums rows of `count` floats, which lie behind each other, over the tree; the sum ends in the first row.
  static func sumRows(
    _ rows: Range<Int>, of base: UnsafeMutablePointer<Float>, count: Int,
    add: (_ source: UnsafePointer<Float>, _ destination: UnsafeMutablePointer<Float>, _ count: Int) -> Void
  ) {
    if rows.count == 1 { return }
    let middle = (rows.lowerBound + rows.upperBound) / 2
    sumRows(rows.lowerBound..<middle, of: base, count: count, add: add)
    sumRows(middle..<rows.upperBound, of: base, count: count, add: add)
    add(base + middle * count, base + rows.lowerBound * count, count)
  }
}
