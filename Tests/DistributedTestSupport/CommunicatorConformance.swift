import HATDistributed
import HATKernels

/// What every communicator must do, whatever it is made of. Each check returns what went wrong.
///
/// Rank r's data of length n are a function of r and n, so that every rank knows what it must get.
public enum CommunicatorConformance {
  /// None, one, primes, a power of two and its neighbours.
  static let lengths = [0, 1, 2, 7, 31, 127, 128, 129, 1021, 4096, 4097]

  public static func failures(of communicator: any Communicator) throws -> [String] {
    try allGatherFailures(communicator) + allGatherInPlaceFailures(communicator)
      + transferFailures(communicator) + nodeFailures(communicator) + nodeMemoryFailures(communicator)
      + agreementFailures(communicator) + firstRankFailures(communicator)
  }

  private static func bytes(rank: Int, length: Int) -> [UInt8] {
    (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ rank &* 101 &+ length) }
  }

  private static func value(rank: Int, index: Int) -> Float {
    Float(rank * 100_003 + index)
  }

  /// Pieces of different lengths: rank r's is the r-th of the list from `shift` on.
  private static func allGatherFailures(_ communicator: any Communicator) throws -> [String] {
    var failures: [String] = []
    for shift in lengths.indices {
      func piece(_ rank: Int) -> [UInt8] {
        bytes(rank: rank, length: lengths[(rank + shift) % lengths.count])
      }
      let gathered = try piece(communicator.rank).withUnsafeBytes { try communicator.allGather($0) }
      if gathered != (0..<communicator.size).map(piece) { failures.append("allGather \(shift)") }
    }
    return failures
  }

  private static func partitions(_ communicator: any Communicator) -> [RankPartition] {
    let size = communicator.size
    let even = lengths.map { RankPartition(count: $0, ranks: size) }
    let uneven = lengths.indices.map { shift in
      var end = 0
      return RankPartition(
        (0..<size).map { rank in
          let start = end
          end += lengths[(rank + shift) % lengths.count]
          return start..<end
        })
    }
    return even + uneven
  }

  private static func allGatherInPlaceFailures(_ communicator: any Communicator) throws -> [String] {
    var failures: [String] = []
    for (number, partition) in partitions(communicator).enumerated() {
      let count = partition.ranges.last!.upperBound
      let buffer = FloatBuffer(zeroed: count + 1)
      for index in partition[communicator.rank] {
        buffer.base[index] = value(rank: communicator.rank, index: index)
      }
      try communicator.allGatherInPlace(buffer.base, partition: partition)
      let isRight = partition.ranges.enumerated().allSatisfy { rank, range in
        range.allSatisfy { buffer.base[$0] == value(rank: rank, index: $0) }
      }
      if !isRight || buffer.base[count] != 0 { failures.append("allGatherInPlace \(number)") }
    }
    return failures
  }

  /// Every rank to every other, messages of different lengths; then each to the next alone; then none.
  private static func transferFailures(_ communicator: any Communicator) throws -> [String] {
    let (rank, size) = (communicator.rank, communicator.size)
    let others = (0..<size).filter { $0 != rank }
    var failures: [String] = []
    for shift in lengths.indices {
      failures += try transferFailures(communicator, to: others, from: others, shift: shift)
      let (next, previous) = ((rank + 1) % size, (rank + size - 1) % size)
      failures += try transferFailures(
        communicator, to: next == rank ? [] : [next], from: next == rank ? [] : [previous], shift: shift)
    }
    return failures + (try transferFailures(communicator, to: [], from: [], shift: 0))
  }

  private static func transferFailures(
    _ communicator: any Communicator, to receivers: [Int], from senders: [Int], shift: Int
  ) throws -> [String] {
    func message(from sender: Int, to receiver: Int) -> [UInt8] {
      bytes(rank: sender * 16 + receiver, length: lengths[(sender + 3 * receiver + shift) % lengths.count])
    }
    func room(_ bytes: Int) -> UnsafeMutableRawBufferPointer { .allocate(byteCount: bytes, alignment: 8) }
    let outgoing = receivers.map { receiver in
      let bytes = message(from: communicator.rank, to: receiver)
      let buffer = room(bytes.count)
      buffer.copyBytes(from: bytes)
      return OutgoingMessage(to: receiver, UnsafeRawBufferPointer(buffer))
    }
    let incoming = senders.map {
      IncomingMessage(from: $0, room(message(from: $0, to: communicator.rank).count))
    }
    defer {
      for message in outgoing { message.bytes.deallocate() }
      for message in incoming { message.bytes.deallocate() }
    }
    try communicator.transfer(sending: outgoing, receiving: incoming)
    return incoming.filter { Array($0.bytes) != message(from: $0.rank, to: communicator.rank) }.map {
      "transfer \(shift) from \($0.rank)"
    }
  }

  /// Every rank has the same map, and is on it.
  private static func nodeFailures(_ communicator: any Communicator) throws -> [String] {
    let nodes = communicator.nodes
    let maps = try nodes.nodeOfRank.withUnsafeBytes { try communicator.allGather($0) }
    var failures = Set(maps).count == 1 ? [] : ["nodes differ"]
    if nodes.nodeOfRank.count != communicator.size {
      failures.append("nodes of \(nodes.nodeOfRank.count) ranks")
    }
    if nodes.ranks.flatMap({ $0 }).sorted() != Array(0..<communicator.size) {
      failures.append("nodes overlap")
    }
    return failures
  }

  /// Parts of different sizes: each rank writes its own, then, when all have read it, its neighbour's.
  private static func nodeMemoryFailures(_ communicator: any Communicator) throws -> [String] {
    var failures: [String] = []
    let neighbours = communicator.nodes.neighbours(ofRank: communicator.rank)
    let place = communicator.nodes.place(ofRank: communicator.rank)
    for shift in lengths.indices {
      func length(_ place: Int) -> Int { lengths[(place + shift) % lengths.count] }
      let memory = try communicator.allocateNodeMemory(floats: length(place))
      func isFilled(_ place: Int, as rank: Int) -> Bool {
        (0..<length(place)).allSatisfy { memory.part(place)[$0] == value(rank: rank, index: $0) }
      }
      if memory.parts.map(\.count) != neighbours.indices.map(length) { failures.append("parts \(shift)") }
      if !(0..<length(place)).allSatisfy({ memory.part(place)[$0] == 0 }) {
        failures.append("zeros \(shift)")
      }

      for (target, offset) in [(place, 0), ((place + 1) % neighbours.count, 1)] {
        try communicator.nodeBarrier()
        for index in 0..<length(target) {
          memory.part(target)[index] = value(rank: communicator.rank, index: index)
        }
        try communicator.nodeBarrier()
        for reader in neighbours.indices {
          let writer = neighbours[(reader + neighbours.count - offset) % neighbours.count]
          if !isFilled(reader, as: writer) { failures.append("node memory \(shift) of \(reader)") }
        }
      }
      try communicator.nodeBarrier()
    }
    return failures
  }

  /// A failure on any one rank becomes the same error on all.
  private static func agreementFailures(_ communicator: any Communicator) throws -> [String] {
    var failures = try communicator.anyRank(says: false) ? ["anyRank says so, and none does"] : []
    for failing in 0..<communicator.size {
      if try !communicator.anyRank(says: communicator.rank == failing) {
        failures.append("anyRank \(failing)")
      }
      do {
        try communicator.together {
          if communicator.rank >= failing { throw CommunicationFailure("rank \(communicator.rank) fails") }
        }
        failures.append("together \(failing): no error")
      } catch let failure as AgreedFailure {
        if failure.rank != failing || failure.cause.description != "rank \(failing) fails" {
          failures.append("together \(failing): \(failure)")
        }
      }
    }
    if try communicator.together({ communicator.rank }) != communicator.rank { failures.append("together") }
    return failures
  }
  /// Every rank learns what rank 0 found, or why it could not; the others do no work.
  private static func firstRankFailures(_ communicator: any Communicator) throws -> [String] {
    let rank = communicator.rank
    var calls = 0
    var failures: [String] = []
    for value in [nil, "", "größer", String(repeating: "語", count: 4097)] {
      let found = try communicator.onFirstRank { () -> String? in
        calls += 1
        return rank == 0 ? value : "rank \(rank)"
      }
      if found != value { failures.append("onFirstRank \(value ?? "nil")") }
    }
    do {
      try communicator.onFirstRank {
        calls += 1
        throw CommunicationFailure("rank \(rank) fails")
      }
      failures.append("onFirstRank: no error")
    } catch let failure as AgreedFailure {
      if failure.rank != 0 || failure.cause.description != "rank 0 fails" {
        failures.append("onFirstRank: \(failure)")
      }
    }
    if calls != (rank == 0 ? 5 : 0) { failures.append("onFirstRank: \(calls) calls") }
    if try communicator.allGather("rank \(rank)") != (0..<communicator.size).map({ "rank \($0)" }) {
      failures.append("allGather of values")
    }
    return failures
  }
}
