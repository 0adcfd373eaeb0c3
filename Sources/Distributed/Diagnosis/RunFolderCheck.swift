import Foundation
import Glibc
import HATStorage
import SystemPackage

/// Whether all machines share the folder of a run: a file that one writes is seen by all, a lock that one has is refused to
/// all, and what is written is on the disk soon.
struct RunFolderCheck: Check {
  static let name = "run"

  let folder: FilePath

  /// What rank 0 found on writing.
  struct Writing: Codable, Equatable {
    /// The folder that was written to: the run's, or the nearest above it that is there.
    var folder: String
    var mount: MountPoint?
    /// Bytes; nil where the file system does not say.
    var room: Int?
    /// Why nothing can be written.
    var problem: String?
    /// Seconds until a small file has its name and survives a power cut, the median.
    var commitSeconds = 0.0
    /// Of a larger one.
    var bytesPerSecond = 0.0
  }

  /// What the first rank of a node found on reading.
  struct Reading: Codable, Equatable {
    /// Seconds until the file was seen; nil if it never was.
    var seenAfter: Double?
    /// Whether the lock was refused, as it should be; nil where the file system has no locks.
    var isLockKept: Bool?
  }

  struct Measurement: Codable {
    var writing: Writing?
    var reading: Reading?
  }

  private static let largeBytes = 16 << 20
  private static let commits = 5
  /// Seconds for a file to be seen on another machine: attribute caches of NFS keep old names for up to a minute, of folders
  /// that were looked at before.
  private static let patience = 5.0
  private static let noticeableDelay = 1.0
  private static let noticeableCommit = 0.5
  private static let littleRoom = 10 << 30

  func measure(on communicator: any Communicator) throws -> Measurement {
    let probe = ProbeFile(near: folder, node: NodeName.current)
    var writing: Writing?
    if communicator.rank == 0 { writing = write(probe) }
    defer { if communicator.rank == 0 { probe.remove() } }
    let path = try communicator.allGather(writing?.problem == nil ? probe.path.string : "")[0]
    guard !path.isEmpty else { return Measurement(writing: writing) }
    let reading = communicator.isFirstOfNode ? Self.read(FilePath(path)) : nil
    // The lock is kept until all have tried.
    try communicator.barrier()
    return Measurement(writing: writing, reading: reading)
  }

  private func write(_ probe: ProbeFile) -> Writing {
    let folder = probe.folder.string
    var writing = Writing(
      folder: folder, mount: MountPoint(of: folder), room: DurableFile.freeBytes(at: probe.folder))
    do {
      writing.bytesPerSecond =
        Double(Self.largeBytes) / (try Self.seconds { try probe.write(bytes: Self.largeBytes) })
      writing.commitSeconds =
        try (0..<Self.commits).map { _ in try Self.seconds { try probe.write(bytes: ProbeFile.smallBytes) } }
        .median
      try probe.lock()
    } catch {
      writing.problem = "\(folder): \(error.problem)"
      probe.remove()
    }
    return writing
  }

  private static func seconds(of work: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try work()
    return (ContinuousClock.now - start) / .seconds(1)
  }

  private static func read(_ path: FilePath) -> Reading {
    let start = ContinuousClock.now
    while true {
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      if ProbeFile.isWhole(path) {
        return Reading(seenAfter: seconds, isLockKept: ProbeFile.isLocked(path))
      }
      if seconds > patience { return Reading() }
      usleep(20_000)
    }
  }

  func findings(_ ranks: [Measurement], on machines: Machines) -> [Finding] {
    let writing = ranks[0].writing!
    if let problem = writing.problem {
      return [wrong(problem, advice: "A run cannot be written there: choose another `output`.")]
    }
    let nodes = machines.nodes.ranks.map { ranks[$0[0]].reading! }
    let kind = writing.mount?.kind ?? "unknown file system"
    let place = "\(writing.folder) on \(kind)"
    let blind = nodes.indices.filter { nodes[$0].seenAfter == nil }
    guard blind.isEmpty else {
      return [
        wrong(
          "\(place): what \(machines.names[0]) writes is not seen on \(machines.describe(nodes: blind))",
          advice: "Choose a folder on a file system that all machines share.")
      ]
    }
    let unlocked = nodes.indices.filter { nodes[$0].isLockKept != true }
    guard unlocked.isEmpty else {
      return [
        wrong(
          "\(place): a lock of \(machines.names[0]) does not hold on \(machines.describe(nodes: unlocked))",
          advice:
            "Two jobs could write one run. Mount it with locks (Lustre: -o flock; NFS: without nolock or "
            + "local_lock), or choose another file system.")
      ]
    }
    return judge(writing, place, nodes, machines)
  }

  private func judge(_ writing: Writing, _ place: String, _ nodes: [Reading], _ machines: Machines)
    -> [Finding]
  {
    let delay = nodes.compactMap(\.seenAfter).max()!
    let figures = [
      "commit_seconds": writing.commitSeconds, "bytes_per_second": writing.bytesPerSecond,
      "seen_after_seconds": delay, "room_bytes": Double(writing.room ?? 0),
    ]
    var findings: [Finding] = []
    func add(_ measured: String, _ advice: String) {
      findings.append(worthKnowing("\(place): \(measured)", advice: advice, figures: figures))
    }
    if writing.commitSeconds > Self.noticeableCommit {
      add(
        "a small file is on the disk after \(Figure.seconds(writing.commitSeconds))",
        "Checkpoints are written beside training, but metrics wait for this: choose a faster file system.")
    }
    if delay > Self.noticeableDelay {
      add(
        "what one machine writes is seen by others after \(Figure.seconds(delay))",
        "A resumed run on other machines may miss its newest checkpoint: have the cache of attributes made shorter "
          + "(NFS: actimeo).")
    }
    if let room = writing.room, room < Self.littleRoom {
      add(
        "\(Figure.bytes(Double(room))) free",
        "`hat-mpirun plan` says how large checkpoints are; output.keep of them stay.")
    }
    if writing.mount?.isVolatile == true {
      add("it is in memory", "It is gone when the machine restarts: choose a disk.")
    }
    guard findings.isEmpty else { return findings }
    let room = writing.room.map { "\(Figure.bytes(Double($0))) free, " } ?? ""
    let same = nodes.count > 1 ? ", the same on \(counted(nodes.count, "node"))" : ""
    return [
      fine(
        "\(place)\(same): \(room)\(Figure.rate(writing.bytesPerSecond)), on the disk after "
          + "\(Figure.seconds(writing.commitSeconds)), locks hold",
        figures: figures)
    ]
  }
}

/// A file that is written, locked, and looked for on other machines.
private final class ProbeFile {
  let folder: FilePath
  let path: FilePath
  private var descriptor: Int32 = -1

  static let smallBytes = 4096
  private static let content = UInt8(ascii: "h")

  /// - Parameter folder: of a run that need not be there yet.
  init(near folder: FilePath, node: String) {
    var existing = FilePath(FileManager.default.currentDirectoryPath).pushing(folder).lexicallyNormalized()
    while !DurableFile.exists(existing) && existing.removeLastComponent() {}
    self.folder = existing
    path = existing.appending(".hat-doctor-\(node)-\(getpid())")
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  func write(bytes: Int) throws {
    try DurableFile.write([UInt8](repeating: Self.content, count: bytes), to: path)
  }

  /// - Throws: `UserError` where there are no locks.
  func lock() throws {
    descriptor = open(path.string, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileFailure.writing(path, Errno(rawValue: errno)) }
    _ = try FileLock.take(descriptor, of: path)
  }

  func remove() { try? DurableFile.remove(path) }

  /// Whether the last content is seen.
  static func isWhole(_ path: FilePath) -> Bool {
    FileManager.default.contents(atPath: path.string).map(Array.init)
      == [UInt8](repeating: content, count: smallBytes)
  }

  /// Whether somebody else has the lock; nil where there are no locks.
  static func isLocked(_ path: FilePath) -> Bool? {
    let descriptor = open(path.string, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return (try? FileLock.take(descriptor, of: path)).map { !$0 }
  }
}
