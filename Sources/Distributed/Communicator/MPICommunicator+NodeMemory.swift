import CMPI
import Foundation
import HATKernels
import HATStorage

/// Memory that the ranks of a node share: MPI-3 windows, read and written in place.
extension MPICommunicator {
  /// The ranks of this node as an MPI communicator, and the map of all nodes.
  static func findNodes(
    _ world: hat_mpi_comm, rank: Int32, size: Int
  ) throws -> (hat_mpi_comm, NodeMap) {
    var node = hat_mpi_comm()
    try MPICall.check(
      MPI_Comm_split_type(
        world.value, hat_mpi_comm_type_shared(), rank, hat_mpi_info_null(), &node.value),
      "MPI_Comm_split_type")
    var lowest = Int64(rank)
    try MPICall.check(MPI_Bcast(&lowest, 1, hat_mpi_int64(), 0, node.value), "MPI_Bcast")
    var labels = [Int64](repeating: 0, count: size)
    try MPICall.check(
      MPI_Allgather(&lowest, 1, hat_mpi_int64(), &labels, 1, hat_mpi_int64(), world.value), "MPI_Allgather")
    return (node, NodeMap(labels: labels.map(Int.init)))
  }

  public func nodeBarrier() throws {
    try synchronizeWindows()
    try MPICall.check(MPI_Barrier(node.value), "MPI_Barrier")
    try synchronizeWindows()
  }

  public func allocateNodeMemory(floats: Int) throws -> NodeMemory {
    let counts = try countsOfNode(floats)
    try requireSharedMemory(counts.reduce(0) { $0 + NodeMemory.spacing($1) * MemoryLayout<Float>.size })
    let place = nodes.place(ofRank: rank)
    let bytes = NodeMemory.spacing(floats) * MemoryLayout<Float>.size
    let floats = FloatBuffer(
      try allocateWindow(bytes: place == 0 ? bytes + Self.pageSize : bytes),
      count: counts.reduce(0) { $0 + NodeMemory.spacing($1) }, ownedBy: self)
    let memory = NodeMemory(floats, counts: counts)
    memory.part(place).update(repeating: 0, count: counts[place])
    try nodeBarrier()
    return memory
  }

  private static var pageSize: Int { 4096 }

  private func countsOfNode(_ floats: Int) throws -> [Int] {
    var own = Int64(floats)
    var counts = [Int64](repeating: 0, count: nodes.neighbours(ofRank: rank).count)
    try MPICall.check(
      MPI_Allgather(&own, 1, hat_mpi_int64(), &counts, 1, hat_mpi_int64(), node.value), "MPI_Allgather")
    return counts.map(Int.init)
  }

  /// Allocates a window with `bytes` for this rank, after those of the ranks before it.
  /// - Returns: the first whole page of the window, the same memory on every rank.
  private func allocateWindow(bytes: Int) throws -> FloatPointer {
    var own: UnsafeMutableRawPointer?
    var window = hat_mpi_win()
    try MPICall.check(
      MPI_Win_allocate_shared(bytes, 1, hat_mpi_info_null(), node.value, &own, &window.value),
      "MPI_Win_allocate_shared")
    windows.append(window)
    try MPICall.check(MPI_Win_lock_all(0, window.value), "MPI_Win_lock_all")
    var (size, unit): (MPI_Aint, Int32) = (0, 0)
    var first: UnsafeMutableRawPointer?
    try MPICall.check(MPI_Win_shared_query(window.value, 0, &size, &unit, &first), "MPI_Win_shared_query")
    return first!.alignedUp(toMultipleOf: Self.pageSize).assumingMemoryBound(to: Float.self)
  }

  /// Asked first, because a write to shared memory ends the process when the file system that holds it is full, and where a
  /// file may not be so large the ranks wait for each other for ever.
  private func requireSharedMemory(_ bytes: Int) throws {
    let ranks = nodes.neighbours(ofRank: rank).count
    var limits = MemoryLimit.sharedMemory()
    var rooms = limits.map { Int64($0.room) }
    try MPICall.check(MPI_Bcast(&rooms, Int32(rooms.count), hat_mpi_int64(), 0, node.value), "MPI_Bcast")
    for index in limits.indices where ranks > 1 && rooms[index] < bytes {
      limits[index].room = Int(rooms[index])
      throw MemoryShortage.error(limits[index], need: bytes, ranks: ranks)
    }
  }

  private func synchronizeWindows() throws {
    for window in windows { try MPICall.check(MPI_Win_sync(window.value), "MPI_Win_sync") }
  }

  func freeWindows() throws {
    for window in windows {
      var window = window
      try MPICall.check(MPI_Win_unlock_all(window.value), "MPI_Win_unlock_all")
      try MPICall.check(MPI_Win_free(&window.value), "MPI_Win_free")
    }
    windows = []
  }
}

/// Shared memory left behind by runs that were killed together with their `mpirun`.
///
/// Open MPI removes the file of a window as soon as all ranks have mapped it, and those of its own queues
/// (`vader_segment`) at the end of a job. So files remain only where no process was left to remove them. A file is
/// removed if it belongs to this host and this user, no process has mapped it, and it is too old to belong to a job that
/// is just starting.
enum AbandonedSegments {
  static let folder = "/dev/shm"
  private static let leastAge: TimeInterval = 60
  /// What names begin with: windows, and queues of Open MPI 4 and 5.
  private static let (windows, queues) = ("osc_sm.", ["vader_segment.", "sm_segment."])

  /// For people.
  static var patterns: String { ([windows] + queues).map { "\($0)*" }.joined(separator: ", ") }

  /// Removes those of this host, as far as that is permitted.
  static func remove() -> FileTotal {
    remove(in: folder, host: NodeName.current, processes: "/proc")
  }

  /// Those of any host, which a container may have called otherwise.
  static func left() -> FileTotal {
    find(in: folder, host: nil, processes: "/proc").reduce(into: FileTotal()) {
      $0.add(FileTotal(count: 1, bytes: $1.bytes))
    }
  }

  /// - Parameter processes: the folder that shows what each process has mapped.
  @discardableResult
  static func remove(in folder: String, host: String, processes: String, now: Date = Date()) -> FileTotal {
    find(in: folder, host: host, processes: processes, now: now).reduce(into: FileTotal()) { total, file in
      if unlink("\(folder)/\(file.name)") == 0 { total.add(FileTotal(count: 1, bytes: file.bytes)) }
    }
  }

  /// - Parameter host: nil for any.
  static func find(
    in folder: String, host: String?, processes: String, now: Date = Date()
  ) -> [(name: String, bytes: Int)] {
    let name = host.map { $0.split(separator: ".").first.map(String.init) ?? $0 }
    let candidates = KernelFile.names(in: folder).compactMap { file -> (name: String, bytes: Int)? in
      guard isOurs(file, host: name),
        let attributes = try? FileManager.default.attributesOfItem(atPath: "\(folder)/\(file)"),
        attributes[.ownerAccountID] as? UInt == UInt(geteuid()),
        let changed = attributes[.modificationDate] as? Date, now.timeIntervalSince(changed) >= leastAge
      else { return nil }
      return (file, attributes[.size] as? Int ?? 0)
    }
    guard !candidates.isEmpty else { return [] }
    let inUse = mappedFiles(processes)
    return candidates.filter { !inUse.contains("\(folder)/\($0.name)") }
  }

  private static func isOurs(_ file: String, host: String?) -> Bool {
    guard let host else { return ([windows] + queues).contains(where: file.hasPrefix) }
    return file.hasPrefix("\(windows)\(host).")
      || queues.contains { file.hasPrefix("\($0)\(host).\(geteuid()).") }
  }

  /// The files that some process has mapped.
  private static func mappedFiles(_ processes: String) -> Set<String> {
    var mapped: Set<String> = []
    for process in (try? FileManager.default.contentsOfDirectory(atPath: processes)) ?? []
    where process.allSatisfy(\.isNumber) {
      for line in KernelFile.lines("\(processes)/\(process)/maps") {
        if let start = line.firstIndex(of: "/") { mapped.insert(String(line[start...])) }
      }
    }
    return mapped
  }
}
