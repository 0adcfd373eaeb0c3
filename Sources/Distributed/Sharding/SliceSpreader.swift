/// Brings slices from their owners to the other nodes, to one rank of each.
struct SliceSpreader {
  private let communicator: any Communicator
  /// The rank of each other node that takes this rank's slices.
  private let receivers: [Int]
  /// The owners elsewhere whose slices this rank takes.
  private let owners: [Int]

  init(_ communicator: any Communicator) {
    self.communicator = communicator
    let (nodes, rank) = (communicator.nodes, communicator.rank)
    let home = nodes.nodeOfRank[rank]
    receivers = nodes.ranks.indices.filter { $0 != home }.map {
      nodes.representative(ofRank: rank, onNode: $0)
    }
    owners = nodes.represented(byRank: rank).filter { nodes.nodeOfRank[$0] != home }
  }

  /// - Parameters:
  ///   - source: the flat buffer that holds this rank's slice of `partition`.
  ///   - destination: the flat buffer the others' slices are put into; it may be the same.
  func spread(
    _ partition: RankPartition, from source: UnsafePointer<Float>,
    into destination: UnsafeMutablePointer<Float>
  ) throws {
    if receivers.isEmpty { return }
    try communicator.transfer(
      sending: receivers.map { OutgoingMessage(to: $0, source, partition[communicator.rank]) },
      receiving: owners.map { IncomingMessage(from: $0, destination, partition[$0]) })
  }
}
