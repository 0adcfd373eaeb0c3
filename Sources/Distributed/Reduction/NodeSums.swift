/// The tree over the ranks as one node adds it up: the ranks of the node are read in its memory, what other nodes
/// have added up arrives from them.
///
/// A node adds up whole subtrees only, the largest ones all of whose ranks it has. Where ranks lie on the nodes in
/// order, in equal numbers that are powers of two, that is one subtree a node; any other placing works too, and gives
/// the same bits.
indirect enum RankSum {
  /// The part of the rank at this place of the node.
  case local(Int)
  /// What another node has added up: the row it arrives in.
  case arriving(Int)
  case sum(RankSum, RankSum)

  /// Temporary results there are at once while it is added up, the result not counted.
  var temporaries: Int {
    switch self {
    case .local, .arriving: 0
    case .sum(let first, let second): max(1 + first.temporaries, 2 + second.temporaries)
    }
  }
}

/// What each node adds up of the tree over the ranks.
struct NodeSums {
  private let nodes: NodeMap
  /// Of each node: the subtrees it adds up, in order.
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

  /// The rows in which each node's sums arrive on a rank of `node`; none from its own.
  func rows(arrivingOn node: Int) -> [Range<Int>] {
    var end = 0
    return subtrees.indices.map { other in
      let start = end
      if other != node { end += subtrees[other].count }
      return start..<end
    }
  }

  /// The whole tree, as `node` sees it.
  func tree(onNode node: Int) -> RankSum {
    var rows: [Range<Int>: Int] = [:]
    for (other, arriving) in self.rows(arrivingOn: node).enumerated() {
      for (subtree, row) in zip(subtrees[other], arriving) { rows[subtree] = row }
    }
    return sum(0..<nodes.nodeOfRank.count, rows: rows)
  }

  /// What `node` adds up for the others.
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
