import Glibc
import HATCore
import HATKernels
import HATStorage

/// Sums the ranks' gradients: afterwards each owner has its slice of the sum.
///
/// The ranks of a node read each other's gradients in shared memory. Between nodes, one rank of each node adds up its node's
/// part of a slice and sends it to the owner, in pieces, so that receive buffers stay small. The order of the sums is that of
/// the tree over all ranks, wherever the ranks are. Of n-gram tables the rows that some rank has touched are summed and sent:
/// all others are sums of zeros.
final class GradientReducer {
  private let communicator: any Communicator
  private let format: GradientExchange
  private let clock: PhaseClock
  /// Nil for gradients without marks.
  private let touchedRows: TouchedRows?
  private let whole: RankSum
  /// The subtrees this node adds up for owners on other nodes.
  private let subtrees: [RankSum]
  /// The owners on other nodes for whom this rank adds them up.
  private let clients: [Int]
  /// For each other node, the rank that sends, and the rows its sums arrive in.
  private let senders: [(rank: Int, rows: Range<Int>)]
  private let pieceLength: Int
  private let arriving: UnsafeMutableRawBufferPointer
  private let leaving: UnsafeMutableRawBufferPointer
  /// [temporary results, blockLength]
  private let scratch: FloatBuffer

  private static let blockLength = FloatBlocks.length
  static let defaultLimit = 4 << 20

  /// - Parameters:
  ///   - longestSlice: floats of the longest slice.
  ///   - tables: whose rows gradients mark; nil for gradients without marks.
  ///   - limit: floats in transit at once; at least one block of every row.
  init(
    communicator: any Communicator, longestSlice: Int, tables: RowTables? = nil,
    format: GradientExchange = .float32, clock: PhaseClock, limit: Int = defaultLimit
  ) {
    let (nodes, rank) = (communicator.nodes, communicator.rank)
    let home = nodes.nodeOfRank[rank]
    self.communicator = communicator
    self.format = format
    self.clock = clock
    let sums = NodeSums(nodes)
    whole = sums.tree(onNode: home)
    subtrees = sums.subtrees(ofNode: home)
    clients = nodes.represented(byRank: rank).filter { nodes.nodeOfRank[$0] != home }
    senders = sums.rows(arrivingOn: home).enumerated().filter { !$0.element.isEmpty }.map {
      (nodes.representative(ofRank: rank, onNode: $0.offset), $0.element)
    }
    touchedRows = tables.map { [clients, senders] in
      TouchedRows(
        $0, communicator: communicator, clients: clients, senders: senders.map(\.rank), clock: clock)
    }
    pieceLength = Self.pieceLength(nodes, longestSlice: longestSlice, limit: limit)
    let rowBytes = pieceLength * format.bytes
    arriving = Self.allocate(byteCount: (senders.last?.rows.upperBound ?? 0) * rowBytes)
    leaving = Self.allocate(byteCount: clients.count * subtrees.count * rowBytes)
    let temporaries = ([whole] + subtrees).map(\.temporaries).max()!
    scratch = FloatBuffer(zeroed: (1 + temporaries) * Self.blockLength)
  }

  deinit {
    free(arriving.baseAddress)
    free(leaving.baseAddress)
  }

  private static func allocate(byteCount: Int) -> UnsafeMutableRawBufferPointer {
    let count = max(1, byteCount)
    return UnsafeMutableRawBufferPointer(
      start: LargeMemory.allocate(byteCount: count, alignment: 64), count: count)
  }

  /// Bytes of send and receive buffers on the rank that needs most.
  static func exchangeBytes(
    _ nodes: NodeMap, longestSlice: Int, format: GradientExchange, limit: Int = defaultLimit
  ) -> Int {
    mostRows(nodes) * pieceLength(nodes, longestSlice: longestSlice, limit: limit) * format.bytes
  }

  /// The same on every rank, so that all cut their slices at the same places.
  private static func pieceLength(_ nodes: NodeMap, longestSlice: Int, limit: Int) -> Int {
    min(max(blockLength, limit / max(1, mostRows(nodes))), max(1, longestSlice))
  }

  /// Rows sent and received by the rank with most of them.
  private static func mostRows(_ nodes: NodeMap) -> Int {
    guard nodes.count > 1 else { return 0 }
    let subtrees = NodeSums(nodes).subtrees.map(\.count)
    let all = subtrees.reduce(0, +)
    return nodes.ranks.indices.map { node in
      let clients = nodes.nodeOfRank.count - nodes.ranks[node].count
      let busiest = (clients + nodes.ranks[node].count - 1) / nodes.ranks[node].count
      return all - subtrees[node] + busiest * subtrees[node]
    }.max()!
  }

  /// Writes the sum of all ranks' gradients to `destination`, for this rank's slice of `partition`. Returns when no rank of
  /// the node reads the gradients any more. Collective.
  /// - Parameters:
  ///   - gradients: covers `partition`.
  ///   - destination: covers this rank's slice; it may be this rank's own gradient. It has marks if `gradients` have:
  ///     afterwards, those of all ranks, for all tables of `partition`.
  func reduce(_ partition: RankPartition, of gradients: NodeGradients, into destination: Gradients) throws {
    try clock.during(.wait) { try communicator.nodeBarrier() }
    guard let touchedRows, let marks = destination.marks else {
      try clock.during(.reduction) { try addUpPieces(partition, nil, of: gradients, into: destination) }
      return try clock.during(.wait) { try communicator.nodeBarrier() }
    }
    let words = touchedRows.words(of: partition)
    let touched = try clock.during(.reduction) {
      let touched = try touchedRows.unite(gradients.marks, words)
      destination.clear(in: partition[communicator.rank], except: touched)
      try addUpPieces(partition, touched, of: gradients, into: destination)
      return touched
    }
    try clock.during(.wait) { try communicator.nodeBarrier() }
    // Until here the other ranks may have read them.
    marks.copy(touched, words)
  }

  private func addUpPieces(
    _ partition: RankPartition, _ touched: RowMarks?, of gradients: NodeGradients, into destination: Gradients
  ) throws {
    if senders.isEmpty {
      let own = TouchedFloats(of: partition[communicator.rank], touched)
      return addUp(own, 0..<own.count, of: gradients, into: destination.floats)
    }
    let slices = partition.ranges.map { TouchedFloats(of: $0, touched) }
    for start in stride(from: 0, to: slices.map(\.count).max()!, by: pieceLength) {
      let pieces = slices.map { min($0.count, start)..<min($0.count, start + pieceLength) }
      try exchange(slices, pieces, of: gradients)
      let rank = communicator.rank
      addUp(slices[rank], pieces[rank], of: gradients, into: destination.floats)
    }
  }

  /// Sends this node's sums of other ranks' pieces, and receives the other nodes' sums of this rank's piece.
  private func exchange(_ slices: [TouchedFloats], _ pieces: [Range<Int>], of gradients: NodeGradients) throws
  {
    var (outgoing, offset): ([OutgoingMessage], Int) = ([], 0)
    for client in clients {
      let start = offset
      for subtree in subtrees {
        let row = UnsafeMutableRawBufferPointer(rebasing: leaving[offset...])
        write(subtree, slices[client], pieces[client], of: gradients, into: row)
        offset += pieces[client].count * format.bytes
      }
      outgoing.append(OutgoingMessage(to: client, UnsafeRawBufferPointer(rebasing: leaving[start..<offset])))
    }
    let rowBytes = pieces[communicator.rank].count * format.bytes
    let incoming = senders.map { sender in
      IncomingMessage(
        from: sender.rank,
        UnsafeMutableRawBufferPointer(
          rebasing: arriving[sender.rows.lowerBound * rowBytes..<sender.rows.upperBound * rowBytes]))
    }
    try clock.during(.exchange) { try communicator.transfer(sending: outgoing, receiving: incoming) }
  }

  private func write(
    _ subtree: RankSum, _ slice: TouchedFloats, _ piece: Range<Int>, of gradients: NodeGradients,
    into row: UnsafeMutableRawBufferPointer
  ) {
    forEachBlock(of: slice, piece) { block, offset in
      let sum = evaluate(
        subtree, block, of: gradients, in: (piece.count, offset), into: temporary(0), depth: 1)
      format.write(sum, into: row.baseAddress! + offset * format.bytes, count: block.count)
    }
  }

  /// Sums all ranks' gradients, after those of other nodes have arrived.
  private func addUp(
    _ slice: TouchedFloats, _ piece: Range<Int>, of gradients: NodeGradients, into destination: FlatSlice
  ) {
    forEachBlock(of: slice, piece) { block, offset in
      let place = destination[block].base
      let sum = evaluate(whole, block, of: gradients, in: (piece.count, offset), into: place, depth: 0)
      if sum != UnsafePointer(place) { place.update(from: sum, count: block.count) }
    }
  }

  /// Calls `body` with runs of floats that fit into a temporary result, and where each starts in the piece.
  private func forEachBlock(
    of slice: TouchedFloats, _ piece: Range<Int>, _ body: (_ floats: Range<Int>, _ offset: Int) -> Void
  ) {
    slice.forEachRun(in: piece) { floats, offset in
      for start in stride(from: 0, to: floats.count, by: Self.blockLength) {
        let first = floats.lowerBound + start
        body(first..<min(floats.upperBound, first + Self.blockLength), offset + start)
      }
    }
  }

  /// - Parameters:
  ///   - row: floats of a received row, and where `floats` start in it.
  ///   - place: where the result is written if it is not in memory already. It may be a gradient's own memory: it is written
  ///     after everything in it has been read.
  ///   - depth: the first free temporary result.
  private func evaluate(
    _ sum: RankSum, _ floats: Range<Int>, of gradients: NodeGradients, in row: (length: Int, offset: Int),
    into place: FloatPointer, depth: Int
  ) -> UnsafePointer<Float> {
    switch sum {
    case .local(let rank): return gradients[rank, floats.lowerBound]
    case .arriving(let number):
      let offset = number * row.length + row.offset
      return format.read(
        UnsafeRawPointer(arriving.baseAddress!) + offset * format.bytes, count: floats.count, into: place)
    case .sum(let first, let second):
      let a = evaluate(first, floats, of: gradients, in: row, into: temporary(depth), depth: depth + 1)
      let b = evaluate(
        second, floats, of: gradients, in: row, into: temporary(depth + 1), depth: depth + 2)
      Vector.sum(a, b, into: place, count: floats.count)
      return UnsafePointer(place)
    }
  }

  private func temporary(_ index: Int) -> FloatPointer { scratch.base + index * Self.blockLength }
}

/// The gradients of a node's ranks, by the rank's place on the node: of all parameters, or of one unit.
struct NodeGradients {
  private let bases: [UnsafePointer<Float>]
  private let start: Int
  /// Of the ranks, if the gradients have any.
  let marks: [RowMarks]

  /// - Parameter start: the index in the flat buffer of the float at each of `bases`.
  init(_ bases: [UnsafePointer<Float>], start: Int, marks: [RowMarks] = []) {
    (self.bases, self.start, self.marks) = (bases, start, marks)
  }

  /// A rank's gradient, starting at a float of the flat buffer.
  subscript(place: Int, float: Int) -> UnsafePointer<Float> {
    precondition(float >= start)
    return bases[place] + (float - start)
  }
}

extension GradientExchange {
  /// Bytes per float.
  var bytes: Int {
    switch self {
    case .float32: MemoryLayout<Float>.size
    case .bf16: MemoryLayout<UInt16>.size
    }
  }

  /// Encodes floats to be sent.
  func write(_ floats: UnsafePointer<Float>, into bytes: UnsafeMutableRawPointer, count: Int) {
    switch self {
    case .float32: bytes.copyMemory(from: floats, byteCount: count * self.bytes)
    case .bf16: BrainFloat.round(floats, into: bytes.assumingMemoryBound(to: UInt16.self), count: count)
    }
  }

  /// Decodes received floats.
  /// - Parameter place: where they are written, unless they can be read in place.
  func read(_ bytes: UnsafeRawPointer, count: Int, into place: FloatPointer) -> UnsafePointer<Float> {
    switch self {
    case .float32: return bytes.assumingMemoryBound(to: Float.self)
    case .bf16:
      BrainFloat.expand(bytes.assumingMemoryBound(to: UInt16.self), into: place, count: count)
      return UnsafePointer(place)
    }
  }
}
