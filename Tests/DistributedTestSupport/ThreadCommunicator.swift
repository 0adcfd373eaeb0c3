import Foundation
import HATKernels

@testable import HATDistributed

/// Ranks as threads of one process: any rank count on any machine, for tests.
public final class ThreadCommunicator: Communicator {
  public let rank: Int
  public var size: Int { group.size }
  public let nodes: NodeMap
  private let group: ThreadGroup
  private let node: ThreadGroup

  private init(rank: Int, nodes: NodeMap, group: ThreadGroup, nodeGroups: [ThreadGroup]) {
    self.rank = rank
    self.nodes = nodes
    self.group = group
    node = nodeGroups[nodes.nodeOfRank[rank]]
  }

  /// Runs `body` on `size` threads, one for each rank, as if on `nodes` nodes, and returns their results in rank order.
  public static func run<Success: Sendable>(
    size: Int, nodes: Int = 1, _ body: @escaping @Sendable (ThreadCommunicator) throws -> Success
  ) throws -> [Success] {
    try run(on: NodeMap(ranks: size, nodes: nodes), body)
  }

  /// Runs `body` on a thread for each rank of `nodes`.
  ///
  /// A rank that throws, or returns while others still wait for it, releases them with a `CommunicationFailure`.
  /// - Throws: the error of the lowest rank that failed by itself.
  public static func run<Success: Sendable>(
    on nodes: NodeMap, _ body: @escaping @Sendable (ThreadCommunicator) throws -> Success
  ) throws -> [Success] {
    let size = nodes.nodeOfRank.count
    let group = ThreadGroup(size: size)
    let nodeGroups = nodes.ranks.map { ThreadGroup(size: $0.count) }
    let results = Results<Success>(size: size)
    for rank in 0..<size {
      let thread = Thread {
        let result = Result {
          try body(ThreadCommunicator(rank: rank, nodes: nodes, group: group, nodeGroups: nodeGroups))
        }
        if result.failure == nil {
          let failure = CommunicationFailure("rank \(rank) has left")
          for group in [group, nodeGroups[nodes.nodeOfRank[rank]]] { group.fail(failure) }
        } else {
          let failure = CommunicationFailure("rank \(rank) failed")
          for group in [group] + nodeGroups { group.fail(failure) }
        }
        results.set(result, rank: rank)
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    return try results.wait()
  }

  public func barrier() throws {
    try group.meet(rank: rank, shown("barrier", nil, 0)) { _ in }
  }

  public func anyRank(says own: Bool) throws -> Bool {
    var answer = false
    try group.meet(rank: rank, shown("anyRank", nil, own ? 1 : 0)) { all in
      answer = all.contains { $0.count > 0 }
    }
    return answer
  }

  public func allGather(_ piece: UnsafeRawBufferPointer) throws -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    try group.meet(rank: rank, shown("allGather", piece.baseAddress, piece.count)) { all in
      pieces = all.map { Array(UnsafeRawBufferPointer(start: $0.address, count: $0.count)) }
    }
    return pieces
  }

  public func allGatherInPlace(
    _ buffer: UnsafeMutableRawPointer, partition: RankPartition, elementSize: Int
  ) throws {
    precondition(partition.ranges.count == size)
    try group.meet(rank: rank, shown("allGatherInPlace", buffer, elementSize)) { all in
      for other in 0..<size where other != rank {
        let start = partition[other].lowerBound * elementSize
        (buffer + start).copyMemory(
          from: all[other].address! + start, byteCount: partition[other].count * elementSize)
      }
    }
  }

  public func transfer(sending: [OutgoingMessage], receiving: [IncomingMessage]) throws {
    var mine = shown("transfer", nil, 0)
    mine.messages = sending
    try group.meet(rank: rank, mine) { all in
      for message in receiving {
        guard let sent = all[message.rank].messages.first(where: { $0.rank == rank }) else {
          preconditionFailure("rank \(message.rank) sends nothing to rank \(rank)")
        }
        precondition(sent.bytes.count == message.bytes.count, "both ends know how long a message is")
        message.bytes.copyMemory(from: sent.bytes)
      }
    }
  }

  public func nodeBarrier() throws {
    try node.meet(rank: nodes.place(ofRank: rank), shown("nodeBarrier", nil, 0)) { _ in }
  }

  public func allocateNodeMemory(floats: Int) throws -> NodeMemory {
    let place = nodes.place(ofRank: rank)
    var counts: [Int] = []
    try node.meet(rank: place, shown("allocateNodeMemory", nil, floats)) { counts = $0.map(\.count) }
    let total = counts.reduce(0) { $0 + NodeMemory.spacing($1) }
    var shared = place == 0 ? FloatBuffer(zeroed: total) : nil
    let address = shared.map { UnsafeRawPointer(Unmanaged.passUnretained($0).toOpaque()) }
    try node.meet(rank: place, shown("allocateNodeMemory", address, total)) { all in
      if shared == nil { shared = Unmanaged<FloatBuffer>.fromOpaque(all[0].address!).takeUnretainedValue() }
    }
    return NodeMemory(shared!, counts: counts)
  }

  private func shown(_ verb: String, _ address: UnsafeRawPointer?, _ count: Int) -> ThreadGroup.Shown {
    ThreadGroup.Shown(verb: verb, address: address, count: count)
  }
}

/// What the ranks' threads return.
private final class Results<Success: Sendable>: @unchecked Sendable {
  private let condition = NSCondition()
  private var results: [Result<Success, any Error>?]

  init(size: Int) {
    results = Array(repeating: nil, count: size)
  }

  func set(_ result: Result<Success, any Error>, rank: Int) {
    condition.withLock {
      results[rank] = result
      condition.signal()
    }
  }

  func wait() throws -> [Success] {
    condition.lock()
    defer { condition.unlock() }
    while results.contains(where: { $0 == nil }) { condition.wait() }
    let errors = results.compactMap { $0!.failure }
    if let cause = errors.first(where: { !($0 is CommunicationFailure) }) ?? errors.first { throw cause }
    return try results.map { try $0!.get() }
  }
}

extension Result {
  fileprivate var failure: Failure? {
    if case .failure(let error) = self { error } else { nil }
  }
}

/// Where the threads of a `ThreadCommunicator` meet.
///
/// A rank shows the others something, waits until all have, looks, and waits until all have looked.
private final class ThreadGroup: @unchecked Sendable {
  let size: Int
  private let condition = NSCondition()
  private var shown: [Shown?]
  private var arrived = 0
  private var generation = 0
  private var failure: CommunicationFailure?

  /// What one rank shows in one collective.
  struct Shown {
    /// The verb: ranks that call different ones are out of step.
    var verb: String
    var address: UnsafeRawPointer?
    var count: Int
    var messages: [OutgoingMessage] = []
  }

  init(size: Int) {
    self.size = size
    shown = Array(repeating: nil, count: size)
  }

  /// Shows `mine`, waits for all, lets `look` read what the others show, and waits until all have looked.
  func meet(rank: Int, _ mine: Shown, look: ([Shown]) -> Void) throws {
    condition.withLock { shown[rank] = mine }
    try wait()
    let all = condition.withLock { shown.compactMap { $0 } }
    guard all.count == size, all.allSatisfy({ $0.verb == mine.verb }) else {
      let verbs = all.map(\.verb).joined(separator: ", ")
      let failure = CommunicationFailure("the ranks are out of step: they called \(verbs)")
      fail(failure)
      throw failure
    }
    look(all)
    try wait()
  }

  /// Wakes every rank with an error; the first failure counts.
  func fail(_ failure: CommunicationFailure) {
    condition.withLock {
      if self.failure == nil { self.failure = failure }
      condition.broadcast()
    }
  }

  private func wait() throws {
    condition.lock()
    defer { condition.unlock() }
    if let failure { throw failure }
    arrived += 1
    if arrived == size {
      arrived = 0
      generation += 1
      condition.broadcast()
      return
    }
    let mine = generation
    while generation == mine {
      if let failure { throw failure }
      condition.wait()
    }
  }
}
