import HATStorage

/// Something that goes wrong on clusters: how a rank measures it, and what the measurements of all ranks mean.
protocol Check {
  /// What one rank sees. A failure that belongs to the measured thing is part of it, not thrown.
  associatedtype Measurement: Codable

  static var name: String { get }

  /// Collective: every rank calls it.
  /// - Throws: `CommunicationFailure`.
  func measure(on communicator: any Communicator) throws -> Measurement

  /// - Parameters:
  ///   - ranks: the measurement of each rank.
  ///   - machines: where the ranks are.
  /// - Returns: at least one.
  func findings(_ ranks: [Measurement], on machines: Machines) -> [Finding]
}

extension Check {
  func fine(_ measured: String, figures: [String: Double] = [:]) -> Finding {
    Finding(Self.name, .fine, measured, figures: figures)
  }

  func worthKnowing(_ measured: String, advice: String, figures: [String: Double] = [:]) -> Finding {
    Finding(Self.name, .worthKnowing, measured, advice: advice, figures: figures)
  }

  func wrong(_ measured: String, advice: String, figures: [String: Double] = [:]) -> Finding {
    Finding(Self.name, .wrong, measured, advice: advice, figures: figures)
  }

  /// Measures and judges. Collective.
  /// - Returns: the findings, on every rank.
  func perform(on communicator: any Communicator, _ machines: Machines) throws -> [Finding] {
    findings(try communicator.allGather(try measure(on: communicator)), on: machines)
  }
}

/// The machines of a job, and their ranks.
struct Machines: Equatable {
  let nodes: NodeMap
  /// Of each node.
  let names: [String]

  /// Collective.
  init(of communicator: any Communicator) throws {
    let names = try communicator.allGather(NodeName.current)
    self.init(communicator.nodes, names: communicator.nodes.ranks.map { names[$0[0]] })
  }

  init(_ nodes: NodeMap, names: [String]) {
    precondition(names.count == nodes.count)
    (self.nodes, self.names) = (nodes, names)
  }

  var ranks: Int { nodes.nodeOfRank.count }

  func name(ofRank rank: Int) -> String { names[nodes.nodeOfRank[rank]] }

  /// More are not named one by one.
  private static let most = 4

  /// Such as "ranks 0, 1 on node7".
  func describe(ranks: [Int]) -> String {
    let places = Set(ranks.map { nodes.nodeOfRank[$0] }).sorted()
    return (ranks.count == 1 ? "rank " : "ranks ") + Self.list(ranks.map(String.init))
      + (nodes.count > 1 ? " on \(Self.list(places.map { names[$0] }))" : "")
  }

  /// Such as "node1, node2 and 5 more".
  func describe(nodes: [Int]) -> String { Self.list(nodes.map { names[$0] }) }

  static func list(_ names: [String]) -> String {
    names.count <= most + 1
      ? names.joined(separator: ", ")
      : names.prefix(most).joined(separator: ", ") + " and \(names.count - most) more"
  }

  /// "2 ranks on 1 node".
  var summary: String { "\(counted(ranks, "rank")) on \(counted(nodes.count, "node"))" }
}

extension Communicator {
  /// The lowest rank of each node does what one process of a machine is enough for.
  var isFirstOfNode: Bool { nodes.place(ofRank: rank) == 0 }
}

extension Error {
  /// What is wrong, without what the message of a `UserError` says to do.
  var problem: String { (self as? UserError)?.problem ?? "\(self)" }
}

/// Numbers in the sentences of findings.
enum Figure {
  static func seconds(_ seconds: Double) -> String {
    switch seconds {
    case ..<1e-3: "\(rounded(seconds * 1e6)) µs"
    case ..<1: "\(rounded(seconds * 1e3)) ms"
    default: "\(rounded(seconds)) s"
    }
  }

  static func bytes(_ bytes: Double) -> String {
    switch bytes {
    case ..<1e6: "\(rounded(bytes / 1e3)) kB"
    case ..<1e9: "\(rounded(bytes / 1e6)) MB"
    default: "\(rounded(bytes / 1e9)) GB"
    }
  }

  static func rate(_ bytesPerSecond: Double) -> String { bytes(bytesPerSecond) + "/s" }

  static func percent(_ share: Double) -> String { "\(rounded(share * 100))%" }

  /// Two digits, or all before the point.
  static func rounded(_ value: Double) -> String {
    guard value.isFinite else { return "?" }
    return value < 9.95 ? "\((value * 10).rounded() / 10)" : "\(Int(min(value, 1e15).rounded()))"
  }
}

extension Sequence<Double> {
  /// 0 of none.
  var median: Double {
    let sorted = sorted()
    return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
  }
}
