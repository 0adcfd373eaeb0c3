import Foundation
import HATStorage
import SystemPackage

/// A bound on memory, and the room below it.
struct MemoryLimit: Codable, Sendable, Equatable {
  /// What counts against it.
  enum Kind: String, Codable, Sendable {
    /// All memory of all processes it is for.
    case everything
    /// What one process can address.
    case addresses
    /// What one process shares with no other.
    case ownMemory
    /// What the ranks of a node share.
    case sharedMemory
    /// One piece of it, which is a file.
    case sharedFile
  }

  var kind: Kind
  /// For messages. The processes of a node that have the same limit call it by the same name.
  var name: String
  /// In bytes.
  var room: Int
}

extension MemoryLimit {
  /// Those of the memory that the ranks of a node share, the same ones on every rank.
  static func sharedMemory(root: String = "/") -> [MemoryLimit] {
    let folder = AbandonedSegments.folder
    return [
      MemoryLimit(
        kind: .sharedMemory, name: folder, room: DurableFile.freeBytes(at: FilePath(folder)) ?? .max),
      MemoryLimit(
        kind: .sharedFile, name: "ulimit -f",
        room: NumberedLines(root + "proc/self/limits").number("Max file size") ?? .max),
    ]
  }
}

/// The memory that this process may still take, by every limit that the kernel tells of.
public struct AvailableMemory {
  /// Those that programs share: the machine's own, where the kernel says it, and those of control groups.
  let common: [MemoryLimit]
  /// Those of this process (`ulimit`).
  let ownLimits: [MemoryLimit]
  /// Bytes that may go to disk.
  let swap: Int

  /// - Parameter root: the folder with `proc` and `sys`.
  public init(root: String = "/") {
    let machine = NumberedLines(root + "proc/meminfo")
    swap = machine.bytes("SwapFree") ?? 0
    let own = machine.bytes("MemAvailable").map {
      MemoryLimit(kind: .everything, name: Self.machine, room: $0)
    }
    common = (own.map { [$0] } ?? []) + ControlGroups.limits(root: root)
    ownLimits = Self.ownLimits(root: root)
  }

  /// What the limit of the machine's own memory is called.
  static var machine: String { "the memory of \(NodeName.current)" }

  /// Bytes for each of so many ranks of this machine.
  public func bytes(sharedBy ranks: Int) -> Int { strictest(sharedBy: ranks)?.room ?? .max }

  /// The limit that leaves least, with the room for each of so many ranks; nil where none is known.
  func strictest(sharedBy ranks: Int) -> MemoryLimit? {
    let shares = common.map { MemoryLimit(kind: $0.kind, name: $0.name, room: $0.room / ranks) }
    return (shares + ownLimits).min { $0.room < $1.room }
  }

  private static func ownLimits(root: String) -> [MemoryLimit] {
    let (limits, used) = (
      NumberedLines(root + "proc/self/limits"), NumberedLines(root + "proc/self/status")
    )
    return [
      (MemoryLimit.Kind.addresses, "ulimit -v", "Max address space", "VmSize"),
      (.ownMemory, "ulimit -d", "Max data size", "VmData"),
    ].compactMap { kind, name, limit, use in
      guard let most = limits.number(limit), let use = used.bytes(use) else { return nil }
      return MemoryLimit(kind: kind, name: name, room: max(0, most - use))
    }
  }
}

/// The bounds that control groups set: that of this process, and all above it.
enum ControlGroups {
  /// The names that the two versions of control groups have for the same files.
  private struct Version {
    let mounts: [String]
    let limit: String
    let usage: String
    /// Parts of `memory.stat` that the kernel gives back when memory is wanted: files it keeps to be faster.
    let reclaimable: [String]

    static let first = Version(
      mounts: ["sys/fs/cgroup/memory"], limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes",
      reclaimable: ["total_inactive_file", "total_active_file"])
    static let second = Version(
      mounts: ["sys/fs/cgroup", "sys/fs/cgroup/unified"], limit: "memory.max", usage: "memory.current",
      reclaimable: ["inactive_file", "active_file", "slab_reclaimable"])
  }

  /// Version 1 says so by a number that no machine has.
  private static let unlimited = 1 << 60

  static func limits(root: String) -> [MemoryLimit] {
    groups(root: root).flatMap { controllers, group -> [MemoryLimit] in
      guard controllers.isEmpty || controllers.contains("memory") else { return [] }
      let version = controllers.isEmpty ? Version.second : .first
      return version.mounts.flatMap { mount in
        ancestors(of: group).compactMap { limit(root + mount, $0, version) }
      }
    }
  }

  /// Those of this process, each with what it controls; nothing in version 2.
  static func groups(root: String) -> [(controllers: [Substring], group: String)] {
    // `4:memory:/a/b`, or in version 2 `0::/a/b`.
    KernelFile.lines(root + "proc/self/cgroup").compactMap { line in
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      return fields.count == 3 ? (fields[1].split(separator: ","), String(fields[2])) : nil
    }
  }

  /// `/a/b`, `/a` and the top. In a container only the top may be there, which is then the container's own.
  static func ancestors(of group: String) -> [String] {
    let names = group.split(separator: "/")
    return (0...names.count).reversed().map { names[..<$0].map { "/\($0)" }.joined() }
  }

  private static func limit(_ mount: String, _ group: String, _ version: Version) -> MemoryLimit? {
    func number(_ file: String) -> Int? { KernelFile.text("\(mount)\(group)/\(file)").flatMap { Int($0) } }
    guard let most = number(version.limit), most < unlimited, let usage = number(version.usage) else {
      return nil
    }
    let statistics = NumberedLines("\(mount)\(group)/memory.stat")
    let reclaimable = version.reclaimable.reduce(0) { $0 + (statistics.number($1) ?? 0) }
    return MemoryLimit(
      kind: .everything, name: "the control group \(group.isEmpty ? "/" : group)",
      room: max(0, most - max(0, usage - reclaimable)))
  }
}

/// A file of the kernel's with a name and a number on each line; empty if there is none.
struct NumberedLines {
  private let lines: [Substring]

  init(_ path: String) {
    lines = KernelFile.lines(path)
  }

  /// nil if there is no such line, or no number on it.
  func number(_ name: String) -> Int? {
    lines.lazy.compactMap { line -> Int? in
      let rest = line.dropFirst(name.count)
      guard line.hasPrefix(name), let next = rest.first, next == ":" || next.isWhitespace else { return nil }
      return rest.dropFirst().split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) }
    }.first
  }

  /// Of a number in kibibytes.
  func bytes(_ name: String) -> Int? { number(name).map { $0 * 1024 } }
}
