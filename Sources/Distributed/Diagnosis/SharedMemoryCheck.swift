import Foundation
import Glibc

/// The file system in which the ranks of a node share memory: room, and what earlier jobs have left there.
struct SharedMemoryCheck: Check {
  static let name = "shm"

  struct Node: Codable, Equatable {
    /// Bytes of all, and of what is free; nil where there is no such file system.
    var size: Int?
    var room: Int?
    /// Files that nobody has mapped, of this user.
    var left: FileTotal
    /// Those that the start of this job has removed.
    var removed: FileTotal
    /// Other ranks on the node.
    var hasNeighbours: Bool
  }

  /// Of the first rank of each node.
  typealias Measurement = Node?

  /// What a container has that nobody configured.
  private static let leastRoom = 64 << 20
  private static let littleRoom = 1 << 30

  func measure(on communicator: any Communicator) -> Node? {
    guard communicator.isFirstOfNode else { return nil }
    var status = statvfs()
    let isThere = statvfs(AbandonedSegments.folder, &status) == 0
    return Node(
      size: isThere ? Int(status.f_blocks) * Int(status.f_frsize) : nil,
      room: isThere ? Int(status.f_bavail) * Int(status.f_frsize) : nil,
      left: AbandonedSegments.left(),
      removed: (communicator as? MPICommunicator)?.removedSegments ?? FileTotal(),
      hasNeighbours: communicator.nodes.neighbours(ofRank: communicator.rank).count > 1)
  }

  func findings(_ ranks: [Node?], on machines: Machines) -> [Finding] {
    let nodes = machines.nodes.ranks.map { ranks[$0[0]]! }
    let rooms = nodes.map { $0.room ?? 0 }
    let least = rooms.indices.min { rooms[$0] < rooms[$1] }!
    let left = nodes.indices.filter { nodes[$0].left.count > 0 }
    let removed = nodes.reduce(into: FileTotal()) { $0.add($1.removed) }
    let figures = [
      "room_bytes": Double(rooms[least]), "size_bytes": Double(nodes[least].size ?? 0),
      "left_bytes": Double(nodes.reduce(0) { $0 + $1.left.bytes }), "removed_bytes": Double(removed.bytes),
    ]
    let room =
      "\(Figure.bytes(Double(rooms[least]))) free in \(AbandonedSegments.folder) of \(machines.names[least])"
    var findings: [Finding] = []
    if nodes[least].hasNeighbours && rooms[least] < Self.littleRoom {
      let verdict: Verdict = rooms[least] < Self.leastRoom ? .wrong : .worthKnowing
      findings.append(
        Finding(
          Self.name, verdict, "only \(room), where the ranks of a node share parameters and gradients",
          advice:
            "Make it larger (mount -o remount,size=…; docker run --shm-size=…), or remove what fills it.",
          figures: figures))
    }
    if !left.isEmpty {
      let total = left.reduce(into: FileTotal()) { $0.add(nodes[$1].left) }
      findings.append(
        worthKnowing(
          "\(total.text) of earlier jobs in \(AbandonedSegments.folder) on \(machines.describe(nodes: left))",
          advice:
            "The next start of several ranks removes those of this host that are a minute old; remove others by "
            + "hand (\(AbandonedSegments.patterns)), when no job of yours runs there.",
          figures: figures))
    }
    if removed.count > 0 {
      findings.append(
        worthKnowing(
          "\(removed.text) of earlier jobs removed from \(AbandonedSegments.folder)",
          advice: "Nothing to do. They come from jobs that were killed together with their mpirun.",
          figures: figures))
    }
    return findings.isEmpty ? [fine("\(room), nothing left by earlier jobs", figures: figures)] : findings
  }
}

/// Some files, and their bytes.
struct FileTotal: Codable, Equatable, Sendable {
  var count = 0
  var bytes = 0

  mutating func add(_ other: FileTotal) {
    count += other.count
    bytes += other.bytes
  }

  var text: String { "\(counted(count, "file")) (\(Figure.bytes(Double(bytes))))" }
}
