import HATStorage

/// The fixed binary tree in which a step's gradients are summed, and which rank computes which leaves.
///
/// Of M = 2^a · b micro-batches, b odd, each run of 2^a is a perfect binary tree; above them, the b runs are halved
/// repeatedly. The R ranks compute a step in rounds. In a round each rank adds up a run of neighbouring micro-batches, then
/// the runs of all ranks, which are neighbours too, are added; the rounds are added last. If R is a power of two that
/// divides M, every run, every aligned group of ranks and every aligned group of rounds is a node of the tree, so the sums
/// are the same operations in the same order for every such R. For other R they are still a fixed function of R.
public struct MicroBatchTree: Sendable, Equatable {
  public let microBatches: Int
  public let ranks: Int
  /// How often in a step the sums of the ranks are added.
  public let rounds: Int
  /// Neighbouring micro-batches that a rank adds up in each round.
  public let run: Int

  /// - Parameter keepsSums: whether a rank has memory for the sum of several micro-batches; otherwise each is a round.
  /// - Throws: `UserError` of kind `configuration` that lists the numbers of ranks that work.
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

  /// The position of a micro-batch when all are listed rank by rank, in the order the ranks compute them.
  func slot(ofMicroBatch index: Int) -> Int {
    let (round, within) = index.quotientAndRemainder(dividingBy: ranks * run)
    let (rank, number) = within.quotientAndRemainder(dividingBy: run)
    return rank * rounds * run + round * run + number
  }

  /// The largest power of two that divides `count`.
  private static func perfectPart(of count: Int) -> Int { count & -count }

  /// Buffers needed to sum `leaves` leaves: the depth of the tree plus one.
  public static func depth(leaves: Int) -> Int {
    var deepest = 0
    walk(leaves, leaf: { _, depth in deepest = max(deepest, depth) }, add: { _ in })
    return deepest + 1
  }

  /// Where a part of the tree over `total` leaves is split.
  static func middle(of leaves: Range<Int>, total: Int) -> Int {
    let unit = perfectPart(of: total)
    return leaves.lowerBound + (leaves.count > unit ? leaves.count / unit / 2 * unit : leaves.count / 2)
  }

  /// Walks the tree over `count` leaves. `leaf(i, depth)` writes leaf i to the buffer at `depth`; `add(depth)` adds the
  /// buffer at `depth + 1` to that at `depth`. The sum ends up in the buffer at depth 0.
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

/// The tree over the ranks as one node computes it: gradients of its own ranks are read in its memory, sums of other nodes'
/// ranks are received.
///
/// A node adds up whole subtrees, the largest ones of which it has all ranks. If ranks are placed on nodes in order, in equal
/// numbers that are powers of two, that is one subtree per node. Any other placement works too and gives the same bits.
indirect enum RankSum {
  /// The gradient of the rank at this place on the node.
  case local(Int)
  /// A sum from another node: the row it arrives in.
  case arriving(Int)
  case sum(RankSum, RankSum)

  /// Temporary results needed at once to compute it, excluding the result.
  var temporaries: Int {
    switch self {
    case .local, .arriving: 0
    case .sum(let first, let second): max(1 + first.temporaries, 2 + second.temporaries)
    }
  }
}

/// Which subtrees of the tree over the ranks each node adds up.
struct NodeSums {
  private let nodes: NodeMap
  /// The subtrees of each node, in order.
  let subtrees: [[Range<Int>]]

  init(_ nodes: NodeMap) {
    self.nodes = nodes
    var subtrees: [[Range<Int>]] = nodes.ranks.map { _ in [] }
    func collect(_ ranks: Range<Int>) {
      let node = nodes.nodeOfRank[ranks.lowerBound]
      if nodes.nodeOfRank[ranks].allSatisfy({ $0 == node }) { return subtrees[node].append(ranks) }
      let middle = MicroBatchTree.middle(of: ranks, total: nodes.nodeOfRank.count)
      collect(ranks.lowerBound..<middle)
      collect(middle..<ranks.upperBound)
    }
    collect(0..<nodes.nodeOfRank.count)
    self.subtrees = subtrees
  }

  /// The rows each node's sums arrive in on a rank of `node`; none for `node` itself.
  func rows(arrivingOn node: Int) -> [Range<Int>] {
    var end = 0
    return subtrees.indices.map { other in
      let start = end
      if other != node { end += subtrees[other].count }
      return start..<end
    }
  }

  /// The whole tree, as `node` computes it.
  func tree(onNode node: Int) -> RankSum {
    var rows: [Range<Int>: Int] = [:]
    for (other, arriving) in self.rows(arrivingOn: node).enumerated() {
      for (subtree, row) in zip(subtrees[other], arriving) { rows[subtree] = row }
    }
    return sum(0..<nodes.nodeOfRank.count, rows: rows)
  }

  /// The subtrees that `node` adds up for the others.
  func subtrees(ofNode node: Int) -> [RankSum] {
    subtrees[node].map { sum($0, rows: [:]) }
  }

  private func sum(_ ranks: Range<Int>, rows: [Range<Int>: Int]) -> RankSum {
    if let row = rows[ranks] { return .arriving(row) }
    if ranks.count == 1 { return .local(nodes.place(ofRank: ranks.lowerBound)) }
    let middle = MicroBatchTree.middle(of: ranks, total: nodes.nodeOfRank.count)
    return .sum(sum(ranks.lowerBound..<middle, rows: rows), sum(middle..<ranks.upperBound, rows: rows))
  }
}
