import Foundation

/// What memory each rank may take.
struct MemoryRoomCheck: Check {
  static let name = "memory"

  struct Measurement: Codable {
    /// Bytes for each rank of the node; `.max` where the kernel does not say.
    var room: Int
    /// What limits it.
    var limit: String
    var isMachine: Bool
  }

  /// No model trains with less.
  private static let least = 128 << 20
  private static let little = 1 << 30

  func measure(on communicator: any Communicator) -> Measurement {
    let ranks = communicator.nodes.neighbours(ofRank: communicator.rank).count
    let strictest = AvailableMemory().strictest(sharedBy: ranks)
    return Measurement(
      room: strictest?.room ?? .max, limit: strictest?.name ?? "no limit that is known",
      isMachine: strictest?.name == AvailableMemory.machine)
  }

  func findings(_ ranks: [Measurement], on machines: Machines) -> [Finding] {
    let known = ranks.indices.filter { ranks[$0].room < .max }
    guard let least = known.min(by: { ranks[$0].room < ranks[$1].room }) else {
      return [fine("the kernel does not say how much memory there is")]
    }
    let (own, median) = (ranks[least], known.map { Double(ranks[$0].room) }.median)
    let text = "\(Figure.bytes(Double(own.room))) for each rank by \(own.limit)"
    let figures = ["room_bytes": Double(own.room), "median_room_bytes": median]
    let advice = "`hat-mpirun plan` says what a model needs. "
    if own.room < Self.little {
      let verdict: Verdict = own.room < Self.least ? .wrong : .worthKnowing
      return [
        Finding(
          Self.name, verdict, "only \(text) (\(machines.describe(ranks: [least])))",
          advice: advice + "Free memory, raise the limit, or start fewer ranks on a machine.",
          figures: figures)
      ]
    }
    if Double(own.room) < median / 2 {
      return [
        worthKnowing(
          "\(text), less than half of the others' (\(machines.describe(ranks: [least])))",
          advice: advice + "A model that fits the others may not fit there.", figures: figures)
      ]
    }
    return [fine(text + (own.isMachine ? "" : ", not by the machine's memory"), figures: figures)]
  }
}

/// Limits of a process (`ulimit`) that end a job late, or slow it down.
struct ProcessLimitCheck: Check {
  static let name = "limits"

  /// nil where there is none.
  struct Measurement: Codable {
    var openFiles: Int?
    /// Bytes that a network card may read and write by itself.
    var lockedMemory: Int?
    /// Bytes.
    var stack: Int?
    /// Network cards that want locked memory.
    var fastNetworks: [String]
  }

  /// Of a process, beside a connection to each other rank.
  private static let ownFiles = 128
  private static let usualFiles = 1024
  private static let leastStack = 1 << 20
  private static let leastLockedMemory = 1 << 30

  func measure(on communicator: any Communicator) -> Measurement { Self.measure() }

  static func measure(root: String = "/") -> Measurement {
    let limits = NumberedLines(root + "proc/self/limits")
    return Measurement(
      openFiles: limits.number("Max open files"), lockedMemory: limits.number("Max locked memory"),
      stack: limits.number("Max stack size"), fastNetworks: FastNetworks.active(root: root))
  }

  func findings(_ ranks: [Measurement], on machines: Machines) -> [Finding] {
    func ones(_ isBad: (Measurement) -> Bool) -> [Int] { ranks.indices.filter { isBad(ranks[$0]) } }
    var findings: [Finding] = []
    let needed = ranks.count + Self.ownFiles
    let fewFiles = ones { ($0.openFiles ?? .max) < max(needed, Self.usualFiles) }
    if let first = fewFiles.first, let files = ranks[first].openFiles {
      findings.append(
        Finding(
          Self.name, files < needed ? .wrong : .worthKnowing,
          "\(files) open files (ulimit -n) for \(machines.describe(ranks: fewFiles))",
          advice:
            "Raise it to \(max(4096, 2 * needed)): connections between ranks and shards are open files.",
          figures: ["open_files": Double(files)]))
    }
    let smallStack = ones { ($0.stack ?? .max) < Self.leastStack }
    if let first = smallStack.first, let bytes = ranks[first].stack {
      findings.append(
        wrong(
          "a stack of \(Figure.bytes(Double(bytes))) (ulimit -s) for \(machines.describe(ranks: smallStack))",
          advice: "Raise it to 8192 kB.", figures: ["stack_bytes": Double(bytes)]))
    }
    let unlocked = ones { !$0.fastNetworks.isEmpty && ($0.lockedMemory ?? .max) < Self.leastLockedMemory }
    if let first = unlocked.first, let bytes = ranks[first].lockedMemory {
      findings.append(
        wrong(
          "\(Figure.bytes(Double(bytes))) of locked memory (ulimit -l) for \(machines.describe(ranks: unlocked)), "
            + "which has \(ranks[first].fastNetworks[0])",
          advice:
            "Set memlock to unlimited in /etc/security/limits.conf, and for Slurm in slurmd's service: such a "
            + "network works on locked memory alone.",
          figures: ["locked_memory_bytes": Double(bytes)]))
    }
    guard findings.isEmpty else { return findings }
    let files = ranks.compactMap(\.openFiles).min()
    return [
      fine((files.map { "\($0)" } ?? "unlimited") + " open files; stack and locked memory suffice")
    ]
  }
}
