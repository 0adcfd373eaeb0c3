import HATKernels

/// Which ranks share a machine, and so its memory.
public struct NodeMap: Sendable, Equatable {
  /// The ranks of each node, ascending; nodes in the order of their lowest ranks.
  public let ranks: [[Int]]
  /// The node of each rank.
  public let nodeOfRank: [Int]
  /// The place of each rank among those of its node.
  private let placeOfRank: [Int]

  /// - Parameter labels: one for each rank; ranks with the same label share a node.
  public init(labels: [Int]) {
    var ranks: [[Int]] = []
    var numbers: [Int: Int] = [:]
    var places: [Int] = []
    for (rank, label) in labels.enumerated() {
      if let node = numbers[label] {
        places.append(ranks[node].count)
        ranks[node].append(rank)
      } else {
        numbers[label] = ranks.count
        places.append(0)
        ranks.append([rank])
      }
    }
    (self.ranks, placeOfRank) = (ranks, places)
    nodeOfRank = labels.map { numbers[$0]! }
  }

  /// `ranks` ranks in runs as even as whole ranks allow: as `mpirun` places them.
  public init(ranks: Int, nodes: Int) {
    precondition(nodes > 0 && nodes <= ranks)
    self.init(labels: (0..<ranks).map { (($0 + 1) * nodes - 1) / ranks })
  }

  public var count: Int { ranks.count }

  /// All ranks of the node of `rank`.
  public func neighbours(ofRank rank: Int) -> [Int] { ranks[nodeOfRank[rank]] }

  /// The place of a rank among those of its node.
  public func place(ofRank rank: Int) -> Int { placeOfRank[rank] }

  /// The rank that acts on `node` for `owner`, a rank of any node: the owner itself on its own node, one rank for each
  /// owner, spread evenly, on the others.
  public func representative(ofRank owner: Int, onNode node: Int) -> Int {
    ranks[node][place(ofRank: owner) % ranks[node].count]
  }

  /// The owners that `rank` acts for on its node, itself included, ascending.
  public func represented(byRank rank: Int) -> [Int] {
    let neighbours = neighbours(ofRank: rank).count
    return ranks.flatMap { owners in
      stride(from: placeOfRank[rank], to: owners.count, by: neighbours).map { owners[$0] }
    }.sorted()
  }
}

/// Memory that all ranks of a node read and write: one part for each, in the order of the ranks.
public struct NodeMemory: @unchecked Sendable {
  /// All parts.
  public let floats: FloatBuffer
  /// The part of each of the node's ranks in `floats`.
  public let parts: [Range<Int>]

  init(_ floats: FloatBuffer, counts: [Int]) {
    self.floats = floats
    var end = 0
    parts = counts.map { count in
      defer { end += Self.spacing(count) }
      return end..<end + count
    }
  }

  /// Floats that a part takes: whole pages, so that each is in memory near the rank that touches it first.
  static func spacing(_ count: Int) -> Int { (count + 1023) / 1024 * 1024 }

  /// The first float of the part of the rank at `place` of the node.
  public func part(_ place: Int) -> FloatPointer { floats.base + parts[place].lowerBound }
}
