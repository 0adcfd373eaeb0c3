import CMPI
import Glibc

/// The ranks that `mpirun`, `srun` or the like has started.
///
/// Long messages are sent in chunks, so that MPI's 32-bit counts do not limit a buffer. The verbs that move parameters
/// and gradients are built on point-to-point messages, in an order of our own (docs/distributed.md).
public final class MPICommunicator: Communicator {
  public let rank: Int
  public let size: Int
  public let nodes: NodeMap
  let world = hat_mpi_comm_world()
  /// The ranks of this node.
  let node: hat_mpi_comm
  /// The memory shared with them.
  var windows: [hat_mpi_win] = []
  private let chunkBytes: Int
  /// What the start of this job has removed of earlier ones, on the first rank of a node.
  let removedSegments: FileTotal

  /// Joins the ranks. A process can do this once.
  /// - Parameters:
  ///   - launcher: what has started them; nil for a process that was started by itself.
  ///   - chunkBytes: the longest single message.
  /// - Throws: `UserError` of kind `wrongUsage`, in every process, if MPI does not connect all that `launcher` has started;
  ///   `CommunicationFailure`.
  public init(launcher: Launcher? = .current, chunkBytes: Int = 256 << 20) throws {
    precondition(chunkBytes > 0 && chunkBytes < Int(Int32.max))
    try launcher?.requireServer()
    self.chunkBytes = chunkBytes
    var granted: Int32 = 0
    try MPICall.check(MPI_Init_thread(nil, nil, Int32(MPI_THREAD_FUNNELED), &granted), "MPI_Init_thread")
    try MPICall.check(
      MPI_Comm_set_errhandler(world.value, hat_mpi_errors_return()), "MPI_Comm_set_errhandler")
    guard granted >= Int32(MPI_THREAD_FUNNELED) else {
      throw CommunicationFailure("this MPI does not allow threads besides the one that communicates")
    }
    var (rank, size): (Int32, Int32) = (0, 0)
    try MPICall.check(MPI_Comm_rank(world.value, &rank), "MPI_Comm_rank")
    try MPICall.check(MPI_Comm_size(world.value, &size), "MPI_Comm_size")
    self.rank = Int(rank)
    self.size = Int(size)
    do {
      try launcher?.requireWhole(size: self.size)
    } catch {
      MPI_Finalize()
      throw error
    }
    (node, nodes) = try Self.findNodes(world, rank: rank, size: Int(size))
    removedSegments = nodes.place(ofRank: self.rank) == 0 ? AbandonedSegments.remove() : FileTotal()
  }

  /// Leaves the ranks, and waits until all have. Frees the node memory.
  public func finalize() throws {
    try freeWindows()
    try MPICall.check(MPI_Finalize(), "MPI_Finalize")
  }

  /// Ends all ranks at once. What has started them ends with this exit code.
  public func abort(exitCode: Int32) -> Never {
    MPI_Abort(world.value, exitCode)
    _exit(exitCode)
  }

  public func barrier() throws {
    try MPICall.check(MPI_Barrier(world.value), "MPI_Barrier")
  }

  /// Gathered, not summed: Open MPI allocates for a sum.
  public func anyRank(says own: Bool) throws -> Bool {
    try withUnsafeTemporaryAllocation(of: Bool.self, capacity: size) { answers in
      var own = own
      try MPICall.check(
        MPI_Allgather(&own, 1, hat_mpi_byte(), answers.baseAddress!, 1, hat_mpi_byte(), world.value),
        "MPI_Allgather")
      return answers.contains(true)
    }
  }

  public func allGather(_ piece: UnsafeRawBufferPointer) throws -> [[UInt8]] {
    var lengths = [Int64](repeating: 0, count: size)
    var length = Int64(piece.count)
    try MPICall.check(
      MPI_Allgather(&length, 1, hat_mpi_int64(), &lengths, 1, hat_mpi_int64(), world.value), "MPI_Allgather")
    return try lengths.enumerated().map { root, length in
      var bytes = root == rank ? Array(piece) : [UInt8](repeating: 0, count: Int(length))
      try bytes.withUnsafeMutableBytes { try broadcast($0, from: root) }
      return bytes
    }
  }

  /// Makes `buffer` on every rank equal to that of `root`.
  private func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) throws {
    for start in stride(from: 0, to: buffer.count, by: chunkBytes) {
      let count = min(chunkBytes, buffer.count - start)
      try MPICall.check(
        MPI_Bcast(buffer.baseAddress! + start, Int32(count), hat_mpi_byte(), Int32(root), world.value),
        "MPI_Bcast")
    }
  }

  /// A ring: each rank passes what it got from the previous one on to the next, `size` - 1 times.
  public func allGatherInPlace(
    _ buffer: UnsafeMutableRawPointer, partition: RankPartition, elementSize: Int
  ) throws {
    precondition(partition.ranges.count == size)
    func bytes(ofRank rank: Int) -> UnsafeMutableRawBufferPointer {
      let range = partition[rank]
      return UnsafeMutableRawBufferPointer(
        start: buffer + range.lowerBound * elementSize, count: range.count * elementSize)
    }
    for hop in 0..<(size - 1) {
      try sendReceive(
        UnsafeRawBufferPointer(bytes(ofRank: (rank - hop + size) % size)), to: (rank + 1) % size,
        into: bytes(ofRank: (rank - hop - 1 + size) % size), from: (rank - 1 + size) % size)
    }
  }

  /// Starts all messages, then waits for all of them.
  public func transfer(sending: [OutgoingMessage], receiving: [IncomingMessage]) throws {
    var requests: [hat_mpi_request] = []
    for message in receiving {
      try forEachChunk(ofBytes: message.bytes.count) { start, count in
        var request = hat_mpi_request()
        try MPICall.check(
          MPI_Irecv(
            message.bytes.baseAddress! + start, count, hat_mpi_byte(), Int32(message.rank), 1, world.value,
            &request.value
          ),
          "MPI_Irecv")
        requests.append(request)
      }
    }
    for message in sending {
      try forEachChunk(ofBytes: message.bytes.count) { start, count in
        var request = hat_mpi_request()
        try MPICall.check(
          MPI_Isend(
            message.bytes.baseAddress! + start, count, hat_mpi_byte(), Int32(message.rank), 1, world.value,
            &request.value
          ),
          "MPI_Isend")
        requests.append(request)
      }
    }
    try MPICall.check(
      hat_mpi_wait_all(Int32(requests.count), &requests), "MPI_Waitall")
  }

  private func forEachChunk(ofBytes bytes: Int, _ body: (_ start: Int, _ count: Int32) throws -> Void)
    rethrows
  {
    for start in stride(from: 0, to: bytes, by: chunkBytes) {
      try body(start, Int32(min(chunkBytes, bytes - start)))
    }
  }

  /// Sends and receives at once, in as many chunks as the longer of the two needs. A direction that is finished sends
  /// nothing more. Both ends count chunks from the same lengths, so they agree.
  private func sendReceive(
    _ outgoing: UnsafeRawBufferPointer, to destination: Int,
    into incoming: UnsafeMutableRawBufferPointer, from source: Int
  ) throws {
    for start in stride(from: 0, to: max(outgoing.count, incoming.count), by: chunkBytes) {
      let outgoingCount = min(chunkBytes, max(0, outgoing.count - start))
      let incomingCount = min(chunkBytes, max(0, incoming.count - start))
      try MPICall.check(
        MPI_Sendrecv(
          outgoingCount > 0 ? outgoing.baseAddress! + start : nil, Int32(outgoingCount), hat_mpi_byte(),
          outgoingCount > 0 ? Int32(destination) : hat_mpi_no_rank(), 0,
          incomingCount > 0 ? incoming.baseAddress! + start : nil, Int32(incomingCount), hat_mpi_byte(),
          incomingCount > 0 ? Int32(source) : hat_mpi_no_rank(), 0,
          world.value, hat_mpi_status_ignore()),
        "MPI_Sendrecv")
    }
  }
}

/// Turns the status that every MPI call returns into an error.
enum MPICall {
  static func check(_ status: Int32, _ call: String) throws {
    guard status != MPI_SUCCESS else { return }
    var text = [CChar](repeating: 0, count: Int(MPI_MAX_ERROR_STRING) + 1)
    var length: Int32 = 0
    MPI_Error_string(status, &text, &length)
    let reason = String(decoding: text.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    throw CommunicationFailure("\(call) failed: \(reason)")
  }
}
