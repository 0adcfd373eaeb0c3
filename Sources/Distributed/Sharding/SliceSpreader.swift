import HATCore
import HATKernels

/// Sends slices from their owners to one rank of each other node.
final class SliceSpreader {
  private let communicator: any Communicator
  /// The rank of each other node that receives this rank's slices.
  private let receivers: [Int]
  /// The owners on other nodes whose slices this rank receives.
  private let owners: [Int]
  /// Floats of rows that are sent in one message.
  private let pieceLength: Int
  /// [1 + owners, pieceLength]: rows of tables, sent and received; taken when they are first needed.
  private lazy var rows = FloatBuffer(reserving: (1 + owners.count) * pieceLength)

  /// - Parameter limit: floats of rows in transit at once; at least one for each owner.
  init(_ communicator: any Communicator, limit: Int = GradientReducer.defaultLimit) {
    self.communicator = communicator
    let (nodes, rank) = (communicator.nodes, communicator.rank)
    let home = nodes.nodeOfRank[rank]
    receivers = nodes.ranks.indices.filter { $0 != home }.map {
      nodes.representative(ofRank: rank, onNode: $0)
    }
    owners = Self.owners(nodes, receiver: rank)
    pieceLength = Self.pieceLength(nodes, limit: limit)
  }

  /// Bytes of the buffers on the rank that needs most, for a model with n-gram tables.
  static func rowBytes(_ nodes: NodeMap) -> Int {
    nodes.count == 1
      ? 0
      : (1 + mostOwners(nodes)) * pieceLength(nodes, limit: GradientReducer.defaultLimit)
        * MemoryLayout<Float>.size
  }

  /// The same on every rank, so that all cut their rows at the same places.
  private static func pieceLength(_ nodes: NodeMap, limit: Int) -> Int {
    max(1, limit / (1 + mostOwners(nodes)))
  }

  private static func mostOwners(_ nodes: NodeMap) -> Int {
    nodes.nodeOfRank.indices.map { owners(nodes, receiver: $0).count }.max()!
  }

  private static func owners(_ nodes: NodeMap, receiver: Int) -> [Int] {
    nodes.represented(byRank: receiver).filter { nodes.nodeOfRank[$0] != nodes.nodeOfRank[receiver] }
  }

  /// Collective.
  /// - Parameters:
  ///   - source: holds this rank's slice of `partition`.
  ///   - destination: receives the other owners' slices; it may be the same buffer.
  ///   - changed: the rows of n-gram tables that are sent, the same on every rank; nil for all.
  func spread(
    _ partition: RankPartition, from source: FlatSlice, into destination: FlatSlice, changed: RowMarks? = nil
  ) throws {
    if receivers.isEmpty { return }
    guard let changed else {
      return try transfer(partition.ranges, from: source, into: destination)
    }
    try spreadBetweenTables(partition, changed.tables, from: source, into: destination)
    try spreadRows(partition, changed, from: source, into: destination)
  }

  /// - Parameter ranges: of each rank; empty ones are not sent.
  private func transfer(_ ranges: [Range<Int>], from source: FlatSlice, into destination: FlatSlice) throws {
    let own = ranges[communicator.rank]
    try communicator.transfer(
      sending: own.isEmpty ? [] : receivers.map { OutgoingMessage(to: $0, source[own]) },
      receiving: owners.filter { !ranges[$0].isEmpty }.map {
        IncomingMessage(from: $0, destination[ranges[$0]])
      })
  }

  /// Sends what lies between tables, where it is.
  private func spreadBetweenTables(
    _ partition: RankPartition, _ tables: RowTables, from source: FlatSlice, into destination: FlatSlice
  ) throws {
    let parts = partition.ranges.map { slice in
      var parts: [Range<Int>] = []
      tables.walk(slice) { _ in
      } other: {
        parts.append($0)
      }
      return parts
    }
    for number in 0..<parts.map(\.count).max()! {
      try transfer(
        parts.map { number < $0.count ? $0[number] : 0..<0 }, from: source, into: destination)
    }
  }

  /// Sends rows of tables one behind the other.
  private func spreadRows(
    _ partition: RankPartition, _ changed: RowMarks, from source: FlatSlice, into destination: FlatSlice
  ) throws {
    let slices = partition.ranges.map { TouchedFloats(of: $0, changed, isOfTables: true) }
    let rank = communicator.rank
    for start in stride(from: 0, to: slices.map(\.count).max()!, by: pieceLength) {
      let pieces = slices.map { min($0.count, start)..<min($0.count, start + pieceLength) }
      slices[rank].forEachRun(in: pieces[rank]) { floats, offset in
        (rows.base + offset).update(from: source[floats].base, count: floats.count)
      }
      let places = pieces.map { 0..<$0.count }
      let received = owners.enumerated().map {
        (owner: $0.element, base: rows.base + (1 + $0.offset) * pieceLength)
      }
      try communicator.transfer(
        sending: places[rank].isEmpty
          ? [] : receivers.map { OutgoingMessage(to: $0, FlatSlice(rows.base, places[rank])) },
        receiving: received.filter { !places[$0.owner].isEmpty }.map {
          IncomingMessage(from: $0.owner, FlatSlice($0.base, places[$0.owner]))
        })
      for (owner, base) in received {
        slices[owner].forEachRun(in: pieces[owner]) { floats, offset in
          destination[floats].base.update(from: base + offset, count: floats.count)
        }
      }
    }
  }
}
