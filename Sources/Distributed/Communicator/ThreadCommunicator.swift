import Foundation

/// Ranks as threads of one process: any rank count on any machine, for tests.
public final class ThreadCommunicator: Communicator {
  public let rank: Int
  public var size: Int { group.size }
  private let group: ThreadGroup

  private init(rank: Int, group: ThreadGroup) {
    self.rank = rank
    self.group = group
  }

  /// Runs `body` on `size` threads, each with its rank, and returns what they return, in rank order.
  ///
  /// A rank that throws, or returns while others still wait for it, releases them with a `CommunicationFailure`.
  /// - Throws: the error of the lowest rank that failed of itself.
  public static func run<Success: Sendable>(
    size: Int, _ body: @escaping @Sendable (ThreadCommunicator) throws -> Success
  ) throws -> [Success] {
    let group = ThreadGroup(size: size)
    let results = Results<Success>(size: size)
    for rank in 0..<size {
      let thread = Thread {
        let result = Result { try body(ThreadCommunicator(rank: rank, group: group)) }
        group.fail(CommunicationFailure(result.isSuccess ? "rank \(rank) has left" : "rank \(rank) failed"))
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

  public func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) throws {
    try group.meet(rank: rank, shown("broadcast", buffer.baseAddress, buffer.count)) { all in
      precondition(all.allSatisfy { $0.count == buffer.count }, "all ranks broadcast as many bytes")
      guard rank != root, buffer.count > 0 else { return }
      buffer.baseAddress!.copyMemory(from: all[root].address!, byteCount: buffer.count)
    }
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

  public func exchange(
    _ send: UnsafePointer<Float>, partition: RankPartition, into receive: UnsafeMutablePointer<Float>
  ) throws {
    precondition(partition.ranges.count == size)
    let mine = partition[rank]
    try group.meet(rank: rank, shown("exchange", send, 0)) { all in
      for other in 0..<size {
        let source = all[other].address!.assumingMemoryBound(to: Float.self)
        (receive + other * mine.count).update(from: source + mine.lowerBound, count: mine.count)
      }
    }
  }

  private func shown(_ verb: String, _ address: UnsafeRawPointer?, _ count: Int) -> ThreadGroup.Shown {
    ThreadGroup.Shown(verb: verb, address: address, count: count)
  }
}

/// What the ranks' threads end with.
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
    let errors = results.compactMap { $0!.error }
    if let cause = errors.first(where: { !($0 is CommunicationFailure) }) ?? errors.first { throw cause }
    return try results.map { try $0!.get() }
  }
}

extension Result {
  fileprivate var isSuccess: Bool { error == nil }

  fileprivate var error: Failure? {
    if case .failure(let error) = self { error } else { nil }
  }
}
