/// Which ranks share a machine, and so its memory.
public struct NodeMap: Sendable, Equatable {
  /// The ranks of each node, ascending; nodes in the order of their lowest ranks.
  public let ranks: [[Int]]
  /// The node of each rank.
  public let nodeOfRank: [Int]

  /// - Parameter labels: something for each rank that is the same where the node is.
  public init(labels: [Int]) {
    var ranks: [[Int]] = []
    var numbers: [Int: Int] = [:]
    for (rank, label) in labels.enumerated() {
      if let node = numbers[label] {
        ranks[node].append(rank)
      } else {
        numbers[label] = ranks.count
        ranks.append([rank])
      }
    }
    self.ranks = ranks
    nodeOfRank = labels.map { numbers[$0]! }
  }

  /// `ranks` ranks in as even runs as whole ranks allow: as `mpirun` places them.
  public init(ranks: Int, nodes: Int) {
    precondition(nodes > 0 && nodes <= ranks)
    self.init(labels: (0..<ranks).map { (($0 + 1) * nodes - 1) / ranks })
  }

  public var count: Int { ranks.count }

  /// All ranks of the node of `rank`.
  public func neighbours(ofRank rank: Int) -> [Int] { ranks[nodeOfRank[rank]] }

  /// The place of a rank among those of its node.
  public func place(ofRank rank: Int) -> Int { neighbours(ofRank: rank).firstIndex(of: rank)! }

  /// The rank that handles on `node` what `owner`, a rank of any node, owns: the owner itself where it is at home,
  /// elsewhere one rank for each owner, spread evenly.
  public func representative(ofRank owner: Int, onNode node: Int) -> Int {
    ranks[node][place(ofRank: owner) % ranks[node].count]
  }

  /// The owners `rank` handles on its node, itself among them, ascending.
  public func represented(byRank rank: Int) -> [Int] {
    nodeOfRank.indices.filter { representative(ofRank: $0, onNode: nodeOfRank[rank]) == rank }
  }
}
