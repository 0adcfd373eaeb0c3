import CMPI
import Glibc
import HATKernels
import HATStorage

/// Memory shared by the ranks of a node: MPI-3 windows, read and written in place.
extension MPICommunicator {
  /// The ranks of this node as a group of their own, and who they are.
  static func findNodes(_ world: MPI_Comm, rank: Int32, size: Int) throws -> (MPI_Comm, NodeMap) {
    var node: MPI_Comm?
    try MPICall.check(
      MPI_Comm_split_type(world, hat_mpi_comm_type_shared(), rank, hat_mpi_info_null(), &node),
      "MPI_Comm_split_type")
    var lowest = Int64(rank)
    try MPICall.check(MPI_Bcast(&lowest, 1, hat_mpi_int64(), 0, node), "MPI_Bcast")
    var labels = [Int64](repeating: 0, count: size)
    try MPICall.check(
      MPI_Allgather(&lowest, 1, hat_mpi_int64(), &labels, 1, hat_mpi_int64(), world), "MPI_Allgather")
    return (node!, NodeMap(labels: labels.map(Int.init)))
  }

  public func nodeBarrier() throws {
    try synchronizeWindows()
    try MPICall.check(MPI_Barrier(node), "MPI_Barrier")
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
      MPI_Allgather(&own, 1, hat_mpi_int64(), &counts, 1, hat_mpi_int64(), node), "MPI_Allgather")
    return counts.map(Int.init)
  }

  /// A window of as many bytes for this rank, behind those of the ranks before it.
  /// - Returns: the first whole page of the first rank's, the same memory on every rank.
  private func allocateWindow(bytes: Int) throws -> FloatPointer {
    var own: UnsafeMutableRawPointer?
    var window: MPI_Win?
    try MPICall.check(
      MPI_Win_allocate_shared(bytes, 1, hat_mpi_info_null(), node, &own, &window), "MPI_Win_allocate_shared")
    windows.append(window!)
    try MPICall.check(MPI_Win_lock_all(0, window), "MPI_Win_lock_all")
    var (size, unit): (MPI_Aint, Int32) = (0, 0)
    var first: UnsafeMutableRawPointer?
    try MPICall.check(MPI_Win_shared_query(window, 0, &size, &unit, &first), "MPI_Win_shared_query")
    return first!.alignedUp(toMultipleOf: Self.pageSize).assumingMemoryBound(to: Float.self)
  }

  /// Where the file system that holds shared memory is full, a write to it ends the process: asked before.
  private func requireSharedMemory(_ bytes: Int) throws {
    var isEnough: UInt8 = 1
    var status = statvfs()
    if statvfs(AbandonedSegments.folder, &status) == 0 {
      isEnough = UInt(bytes) <= status.f_bavail * status.f_bsize ? 1 : 0
    }
    try MPICall.check(MPI_Bcast(&isEnough, 1, hat_mpi_byte(), 0, node), "MPI_Bcast")
    guard isEnough == 1 else {
      throw UserError(
        .configuration, at: AbandonedSegments.folder,
        "the ranks of a node need \(bytes >> 20) MiB of shared memory more than is free there",
        hint:
          "Make it larger (mount -o remount,size=…; docker run --shm-size=…), or spread the ranks over more "
          + "nodes: `hat-mpirun plan` says what they need.")
    }
  }

  private func synchronizeWindows() throws {
    for window in windows { try MPICall.check(MPI_Win_sync(window), "MPI_Win_sync") }
  }

  func freeWindows() throws {
    for window in windows {
      var window: MPI_Win? = window
      try MPICall.check(MPI_Win_unlock_all(window), "MPI_Win_unlock_all")
      try MPICall.check(MPI_Win_free(&window), "MPI_Win_free")
    }
    windows = []
  }
}
