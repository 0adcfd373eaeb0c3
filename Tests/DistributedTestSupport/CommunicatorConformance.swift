import HATDistributed
import HATKernels

/// What every communicator must do, whatever it is made of. Each check returns what went wrong.
///
/// Rank r's data of length n are a function of r and n, so that every rank knows what it must get.
public enum CommunicatorConformance {
  /// None, one, primes, a power of two and its neighbours.
  static let lengths = [0, 1, 2, 7, 31, 127, 128, 129, 1021, 4096, 4097]

  public static func failures(of communicator: any Communicator) throws -> [String] {
    try broadcastFailures(communicator) + allGatherFailures(communicator)
      + allGatherInPlaceFailures(communicator) + exchangeFailures(communicator)
      + agreementFailures(communicator)
  }

  private static func bytes(rank: Int, length: Int) -> [UInt8] {
    (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ rank &* 101 &+ length) }
  }

  private static func value(rank: Int, index: Int) -> Float {
    Float(rank * 100_003 + index)
  }

  private static func broadcastFailures(_ communicator: any Communicator) throws -> [String] {
    var failures: [String] = []
    for root in 0..<communicator.size {
      for length in lengths {
        var buffer = bytes(rank: communicator.rank, length: length)
        try buffer.withUnsafeMutableBytes { try communicator.broadcast($0, from: root) }
        if buffer != bytes(rank: root, length: length) { failures.append("broadcast \(root) \(length)") }
        try communicator.barrier()
      }
    }
    return failures
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

  private static func exchangeFailures(_ communicator: any Communicator) throws -> [String] {
    var failures: [String] = []
    for (number, partition) in partitions(communicator).enumerated() {
      let count = partition.ranges.last!.upperBound
      let send = FloatBuffer(zeroed: count)
      for index in 0..<count { send.base[index] = value(rank: communicator.rank, index: index) }
      let own = partition[communicator.rank]
      let receive = FloatBuffer(zeroed: communicator.size * own.count + 1)
      try communicator.exchange(send.base, partition: partition, into: receive.base)
      let isRight = (0..<communicator.size).allSatisfy { rank in
        own.indices.allSatisfy {
          receive.base[rank * own.count + $0 - own.lowerBound] == value(rank: rank, index: $0)
        }
      }
      if !isRight || receive.base[communicator.size * own.count] != 0 {
        failures.append("exchange \(number)")
      }
    }
    return failures
  }

  /// A failure on any one rank becomes the same error on all.
  private static func agreementFailures(_ communicator: any Communicator) throws -> [String] {
    var failures: [String] = []
    for failing in 0..<communicator.size {
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
}
