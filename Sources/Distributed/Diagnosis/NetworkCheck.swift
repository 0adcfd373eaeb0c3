import Foundation

/// Messages between the ranks of a node.
struct NodeLinkCheck: Check {
  static let name = "node"

  typealias Measurement = [Link]

  private static let noticeableLatency = 100e-6
  private static let littleBandwidth = 1e9

  func measure(on communicator: any Communicator) throws -> [Link] {
    try LinkProbe(neighboursIn: communicator.nodes.ranks).measure(on: communicator)
  }

  func findings(_ ranks: [[Link]], on machines: Machines) -> [Finding] {
    let links = ranks.flatMap(\.self)
    let (late, narrow) = (links.max { $0.latency < $1.latency }!, links.min { $0.bandwidth < $1.bandwidth }!)
    let text =
      "between ranks of a node at worst \(Figure.seconds(late.latency)) and \(Figure.rate(narrow.bandwidth)) "
      + "(\(counted(links.count, "pair")))"
    let figures = ["latency_seconds": late.latency, "bytes_per_second": narrow.bandwidth]
    guard late.latency <= Self.noticeableLatency && narrow.bandwidth >= Self.littleBandwidth else {
      let place = machines.describe(ranks: [late.latency > Self.noticeableLatency ? late.low : narrow.low])
      return [
        worthKnowing(
          "\(text), \(place) is an end of the slowest",
          advice:
            "Ranks that share a core, or other work on their cores, do this (see cores and speed); in a "
            + "container, a missing permission to copy between processes (--cap-add SYS_PTRACE).",
          figures: figures)
      ]
    }
    return [fine(text, figures: figures)]
  }
}

/// Messages between nodes, and the network that carries them.
struct NetworkCheck: Check {
  static let name = "network"

  struct Measurement: Codable {
    var links: [Link]
    /// Cards that are faster than the kernel's network.
    var fastNetworks: [String]
    /// What the environment says of networks.
    var settings: [String]
  }

  private static let noticeableLatency = 200e-6
  private static let littleBandwidth = 0.8e9
  private static let leastBandwidth = 10e6
  /// How much slower than usual a pair is named.
  private static let noticeableRatio = 3.0

  func measure(on communicator: any Communicator) throws -> Measurement {
    let firsts = communicator.nodes.ranks.map { $0[0] }
    return Measurement(
      links: try LinkProbe(neighboursIn: [firsts]).measure(on: communicator),
      fastNetworks: FastNetworks.active(),
      settings: Self.settings(in: ProcessInfo.processInfo.environment))
  }

  /// Those that choose a network.
  static func settings(in environment: [String: String]) -> [String] {
    let names = [
      "OMPI_MCA_pml", "OMPI_MCA_mtl", "OMPI_MCA_btl", "OMPI_MCA_btl_tcp_if_include",
      "OMPI_MCA_btl_tcp_if_exclude",
      "UCX_TLS", "UCX_NET_DEVICES", "FI_PROVIDER", "FI_TCP_IFACE", "I_MPI_FABRICS",
    ]
    return names.compactMap { name in environment[name].map { "\(name)=\($0)" } }
  }

  func findings(_ ranks: [Measurement], on machines: Machines) -> [Finding] {
    let links = ranks.flatMap(\.links)
    let (late, narrow) = (links.max { $0.latency < $1.latency }!, links.min { $0.bandwidth < $1.bandwidth }!)
    let carriers = Set(links.map { $0.interface ?? "a way that the kernel does not count" }).sorted()
    let figures = [
      "pairs": Double(links.count), "latency_seconds": late.latency, "bytes_per_second": narrow.bandwidth,
      "median_bytes_per_second": links.map(\.bandwidth).median,
    ]
    let text =
      "between nodes at worst \(Figure.seconds(late.latency)) and \(Figure.rate(narrow.bandwidth)) over "
      + Machines.list(carriers) + " (\(counted(links.count, "pair")))"
    func pair(_ link: Link) -> String {
      "\(machines.name(ofRank: link.low)) and \(machines.name(ofRank: link.high))"
    }
    if narrow.bandwidth < Self.leastBandwidth {
      return [
        wrong(
          "\(text), the slowest between \(pair(narrow))",
          advice: "Look at the cables and switches between them, and that MPI uses the network meant for it "
            + "(in the environment: \(MPILaunchers.current.networkChoice)).",
          figures: figures)
      ]
    }
    var findings: [Finding] = []
    let cards = ranks.flatMap(\.fastNetworks)
    if let card = cards.first, links.contains(where: { $0.interface.map { !cards.contains($0) } ?? false }) {
      findings.append(
        worthKnowing(
          "\(text), although there is \(card)",
          advice: "Use an MPI that is built for it (UCX, or libfabric) and does not forbid it: "
            + "\(MPILaunchers.current.fastNetworkQuestion).",
          figures: figures))
    }
    if narrow.bandwidth * Self.noticeableRatio < links.map(\.bandwidth).median {
      findings.append(
        worthKnowing(
          "between \(pair(narrow)) only \(Figure.rate(narrow.bandwidth)), a third of the usual or less",
          advice: "Look at that connection: a port may have fallen back to a lower speed.", figures: figures))
    }
    if findings.isEmpty,
      narrow.bandwidth < Self.littleBandwidth || late.latency > Self.noticeableLatency
    {
      findings.append(
        worthKnowing(
          text,
          advice:
            "A step sends the gradient once for each node: `benchmark scaling --network-bandwidth` predicts "
            + "what that costs, and training.gradient_exchange: bf16 halves it. A faster network is named in the "
            + "environment: \(MPILaunchers.current.networkChoice).",
          figures: figures))
    }
    guard findings.isEmpty else { return findings }
    let settings = Set(ranks.flatMap(\.settings)).sorted()
    return [fine(text + (settings.isEmpty ? "" : "; \(Machines.list(settings))"), figures: figures)]
  }
}

/// How far the clocks of nodes are apart.
struct ClockCheck: Check {
  static let name = "clocks"

  /// Of rank 0, for each node but the first: seconds that its clock is ahead, and how exactly that is known.
  struct Offset: Codable, Equatable {
    var node: Int
    var seconds: Double
    var uncertainty: Double
  }

  typealias Measurement = [Offset]

  private static let tries = 10
  private static let noticeable = 0.1
  /// File systems and credentials take offence.
  private static let most = 60.0

  /// The clock in the middle of the fastest round trip (Cristian 1989).
  func measure(on communicator: any Communicator) throws -> [Offset] {
    var offsets: [Offset] = []
    for node in 1..<max(1, communicator.nodes.count) {
      let partner = communicator.nodes.ranks[node][0]
      var best = Offset(node: node, seconds: 0, uncertainty: .infinity)
      for _ in 0..<Self.tries {
        let sent = Self.now()
        let there = try Self.clock(ofRank: partner, on: communicator)
        let received = Self.now()
        if received - sent < 2 * best.uncertainty {
          best.uncertainty = max(0, received - sent) / 2
          best.seconds = there - (sent + received) / 2
        }
      }
      if communicator.rank == 0 { offsets.append(best) }
    }
    return offsets
  }

  /// Rank 0 asks, and gets the answer.
  private static func clock(ofRank partner: Int, on communicator: any Communicator) throws -> Double {
    var (question, answer) = ([0.0], [0.0])
    let (isAsking, isAsked) = (communicator.rank == 0, communicator.rank == partner)
    try question.withUnsafeMutableBytes { question in
      try communicator.transfer(
        sending: isAsking ? [OutgoingMessage(to: partner, UnsafeRawBufferPointer(question))] : [],
        receiving: isAsked ? [IncomingMessage(from: 0, question)] : [])
    }
    if isAsked { answer[0] = now() }
    try answer.withUnsafeMutableBytes { answer in
      try communicator.transfer(
        sending: isAsked ? [OutgoingMessage(to: 0, UnsafeRawBufferPointer(answer))] : [],
        receiving: isAsking ? [IncomingMessage(from: partner, answer)] : [])
    }
    return answer[0]
  }

  /// Seconds since 1970.
  private static func now() -> Double { Date().timeIntervalSince1970 }

  func findings(_ ranks: [[Offset]], on machines: Machines) -> [Finding] {
    let offsets = ranks[0]
    let farthest = offsets.max { abs($0.seconds) < abs($1.seconds) }!
    let distance = abs(farthest.seconds)
    let place =
      "\(machines.names[farthest.node]) is \(Figure.seconds(distance)) \(farthest.seconds < 0 ? "behind" : "ahead of") "
      + machines.names[0]
    let figures = ["offset_seconds": farthest.seconds, "uncertainty_seconds": farthest.uncertainty]
    let advice =
      "Let the machines keep time together (chrony, ntpd). Results do not depend on it; logs do, and "
      + "credentials (munge) and file times beyond minutes."
    if distance > Self.most { return [wrong("clocks differ: \(place)", advice: advice, figures: figures)] }
    if distance > Self.noticeable {
      return [worthKnowing("clocks differ: \(place)", advice: advice, figures: figures)]
    }
    return [
      fine(
        "clocks of nodes within \(Figure.seconds(distance + farthest.uncertainty))", figures: figures)
    ]
  }
}
