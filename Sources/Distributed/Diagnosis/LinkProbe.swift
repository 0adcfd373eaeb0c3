import Foundation
import HATStorage

/// What two ranks measured of the way between them.
struct Link: Codable, Equatable {
  var low: Int
  var high: Int
  /// Seconds of a small message one way: half of a round trip, the median.
  var latency: Double
  /// Bytes per second of large messages.
  var bandwidth: Double
  /// The network that counted the bytes; nil if none did.
  var interface: String?
}

/// Times messages between pairs of ranks, with the verb that carries gradients.
struct LinkProbe {
  /// Pairs that measure at the same time, then the next ones. A rank is in at most one pair of a round.
  let rounds: [[(low: Int, high: Int)]]

  private static let trips = 50
  private static let smallBytes = 8
  private static let firstBytes = 64 << 10
  private static let mostBytes = 16 << 20
  private static let repeats = 3
  /// Of a large message.
  private static let seconds = 0.2

  /// Each rank of a list with the next one, in two rounds, all lists at once.
  init(neighboursIn lists: [[Int]]) {
    rounds = [0, 1].map { first in
      lists.flatMap { ranks in
        stride(from: first, to: ranks.count - 1, by: 2).map { (ranks[$0], ranks[$0 + 1]) }
      }
    }.filter { !$0.isEmpty }
  }

  /// Collective.
  /// - Returns: the links of which this rank is the lower end.
  func measure(on communicator: any Communicator) throws -> [Link] {
    var links: [Link] = []
    for pairs in rounds {
      let own = pairs.first { $0.low == communicator.rank || $0.high == communicator.rank }
      try communicator.barrier()
      let latency = try times(Self.trips, bytes: Self.smallBytes, own, communicator).median / 2
      let first = try times(2, bytes: Self.firstBytes, own, communicator).min()!
      // All pairs send the same number of bytes: the slowest decides.
      let slowest = try communicator.allGather(own == nil ? 0 : first).max()!
      let bytes = min(
        Self.mostBytes, max(Self.firstBytes, Int(Double(Self.firstBytes) * Self.seconds / slowest)))
      let before = NetworkCounters()
      let seconds = try times(Self.repeats, bytes: bytes, own, communicator).median / 2
      if let own, own.low == communicator.rank {
        links.append(
          Link(
            low: own.low, high: own.high, latency: latency, bandwidth: Double(bytes) / seconds,
            interface: NetworkCounters().carrier(of: Self.repeats * bytes, since: before)))
      }
      try communicator.barrier()
    }
    return links
  }

  /// Seconds of each of so many round trips. Ranks without a partner only take part.
  private func times(
    _ count: Int, bytes: Int, _ pair: (low: Int, high: Int)?, _ communicator: any Communicator
  ) throws -> [Double] {
    var (sent, received) = ([UInt8](repeating: 1, count: bytes), [UInt8](repeating: 0, count: bytes))
    return try sent.withUnsafeMutableBytes { sent in
      try received.withUnsafeMutableBytes { received in
        try (0..<count).map { _ in
          let start = ContinuousClock.now
          let isLow = pair?.low == communicator.rank
          let partner = pair.map { isLow ? $0.high : $0.low }
          let out = partner.map { [OutgoingMessage(to: $0, UnsafeRawBufferPointer(sent))] } ?? []
          let back = partner.map { [IncomingMessage(from: $0, received)] } ?? []
          try communicator.transfer(sending: isLow ? out : [], receiving: isLow ? [] : back)
          try communicator.transfer(sending: isLow ? [] : out, receiving: isLow ? back : [])
          return max(1e-9, (ContinuousClock.now - start) / .seconds(1))
        }
      }
    }
  }
}

/// Bytes that each network of this machine has sent.
struct NetworkCounters {
  let sent: [String: UInt64]

  init(root: String = "/") {
    // `  eth0: 8 receive counters, bytes sent, …`
    let pairs = KernelFile.lines(root + "proc/self/net/dev").compactMap { line -> (String, UInt64)? in
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { return nil }
      let numbers = parts[1].split(separator: " ").map { UInt64($0) }
      guard numbers.count > 8, let bytes = numbers[8] else { return nil }
      return (KernelFile.trimmed(parts[0]), bytes)
    }
    // InfiniBand counts words of four bytes.
    let cards = FastNetworks.ports(root: root).compactMap { port -> (String, UInt64)? in
      KernelFile.text(port.folder + "/counters/port_xmit_data").flatMap { UInt64($0) }.map {
        (port.name, 4 &* $0)
      }
    }
    sent = Dictionary(pairs + cards) { first, _ in first }
  }

  /// - Parameter bytes: that this rank has sent.
  /// - Returns: the network that has carried at least most of them.
  func carrier(of bytes: Int, since before: NetworkCounters) -> String? {
    let growth = sent.map { (name: $0.key, bytes: $0.value &- (before.sent[$0.key] ?? 0)) }
    let most = growth.max { ($0.bytes, $1.name) < ($1.bytes, $0.name) }
    return most.flatMap { $0.bytes >= UInt64(bytes) / 10 * 8 ? $0.name : nil }
  }
}

/// InfiniBand and Omni-Path cards.
enum FastNetworks {
  static func ports(root: String) -> [(name: String, folder: String)] {
    let folder = root + "sys/class/infiniband"
    return KernelFile.names(in: folder).flatMap { card in
      KernelFile.names(in: "\(folder)/\(card)/ports").map { (card, "\(folder)/\(card)/ports/\($0)") }
    }
  }

  /// Those with a network behind them, that is no Ethernet.
  static func active(root: String = "/") -> [String] {
    ports(root: root).filter {
      KernelFile.text($0.folder + "/state")?.contains("ACTIVE") == true
        && KernelFile.text($0.folder + "/link_layer") == "InfiniBand"
    }.map(\.name)
  }
}
