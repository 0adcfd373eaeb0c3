import Foundation
import HATStorage

/// Where a rank runs, and what it uses there.
public struct RankPlacement: Codable, Sendable, Equatable {
  public var rank: Int
  public var node: String
  /// The hardware threads it is bound to, such as `0-3,8`.
  public var cores: String
  /// How many it computes with.
  public var threads: Int
  /// Bytes it is expected to need.
  public var memory: Int

  /// - Parameter memory: `RankMemory.total`.
  /// - Returns: the placement of every rank, in rank order, on every rank.
  public static func gather(
    _ communicator: any Communicator, threads: Int, memory: Int
  ) throws -> [RankPlacement] {
    try communicator.allGather(
      RankPlacement(
        rank: communicator.rank, node: NodeName.current, cores: ProcessorCores.allowedList(),
        threads: threads, memory: memory))
  }
}

/// The physical cores this process may use: what Open MPI counts as slots.
public enum ProcessorCores {
  public static func available() -> Int {
    count(allowedThreads())
  }

  /// All physical cores of this machine, also those this process may not use.
  public static func online() -> Int {
    let list = try? String(contentsOfFile: "/sys/devices/system/cpu/online", encoding: .utf8)
    return count(threads(inList: (list ?? "0").trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  private static func count(_ threads: [Int]) -> Int {
    let cores = Set(threads.map { siblings(ofThread: $0) ?? "\($0)" })
    return max(1, cores.count)
  }

  /// The hardware threads the operating system lets this process run on.
  private static func allowedThreads() -> [Int] {
    let threads = threads(inList: allowedList())
    return threads.isEmpty ? [0] : threads
  }

  /// The same as the kernel's list, such as `0-3,8`; empty where there is none.
  static func allowedList() -> String {
    let key = "Cpus_allowed_list:"
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix(key) })
    else { return "" }
    return line.dropFirst(key.count).trimmingCharacters(in: .whitespaces)
  }

  /// The numbers of a list such as `0-3,8,10-11`.
  static func threads(inList list: String) -> [Int] {
    list.split(separator: ",").flatMap { run -> [Int] in
      let bounds = run.split(separator: "-").compactMap { Int($0) }
      guard let first = bounds.first, let last = bounds.last, first <= last else { return [] }
      return Array(first...last)
    }
  }

  /// The hardware threads that share a core with this one, as the kernel lists them.
  static func siblings(ofThread thread: Int) -> String? {
    try? String(
      contentsOfFile: "/sys/devices/system/cpu/cpu\(thread)/topology/thread_siblings_list", encoding: .utf8)
  }
}

/// How many threads a rank computes with, and why.
///
/// One rank for each core, with one thread, is the fastest. More threads use the cores that the ranks leave idle
/// (docs/performance.md).
public struct ThreadChoice: Sendable, Equatable {
  public let threads: Int
  public let reason: String

  /// - Parameters:
  ///   - wanted: nil for as many as there are cores for.
  ///   - ranks: on this machine.
  ///   - cores: of this machine that they share.
  /// - Throws: `UserError` of kind `wrongUsage` when there are not enough cores for the threads wanted.
  public init(wanted: Int?, ranks: Int, cores: Int) throws {
    let place = "\(counted(ranks, "rank")) on \(counted(cores, "core"))"
    let room = max(1, cores / ranks)
    if let wanted {
      guard wanted <= room else {
        throw UserError(
          .wrongUsage, at: "`threads` \(wanted)",
          "\(place) leave room for \(counted(room, "thread")) for each rank",
          hint: "Use `threads` \(room), or fewer" + (ranks == 1 ? "." : " ranks."))
      }
      (threads, reason) = (wanted, "\(place): \(counted(wanted, "thread")) each, as asked for")
    } else {
      threads = room
      reason = "\(place): \(counted(room, "thread")) each"
    }
  }

  private init(threads: Int, reason: String) { (self.threads, self.reason) = (threads, reason) }

  /// For a rank of a running job: it uses the cores it is bound to, or shares the machine's with the other ranks there.
  public init(
    wanted: Int?, on communicator: any Communicator, cores: Int = ProcessorCores.available(),
    machineCores: Int = ProcessorCores.online()
  ) throws {
    let ranks = communicator.nodes.neighbours(ofRank: communicator.rank).count
    guard ranks > 1 && cores < machineCores else {
      try self.init(wanted: wanted, ranks: ranks, cores: cores)
      return
    }
    let threads = try Self(wanted: wanted, ranks: 1, cores: cores).threads
    self.init(
      threads: threads,
      reason: "each rank is bound to \(counted(cores, "core")) and has \(counted(threads, "thread"))")
  }
}
