import HATStorage

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
          "\(place): there is room for \(counted(room, "thread")) in each rank",
          hint: "Use `threads` \(room), or fewer" + (ranks == 1 ? "." : " ranks."))
      }
      (threads, reason) = (wanted, "\(place): \(counted(wanted, "thread")) each, as asked for")
    } else {
      threads = room
      reason = "\(place): \(counted(room, "thread")) each"
    }
  }

  /// Threads of each rank, for a command that starts `mpirun`.
  ///
  /// In an allocation or with a hostfile, `wanted` is taken as given: each rank sees what there is room for. Otherwise the cores of
  /// this machine count.
  /// - Parameter ranks: on all machines.
  /// - Throws: `UserError` of kind `wrongUsage` when this machine has not enough cores for the threads wanted.
  package static func threadsPerRank(
    wanted: Int?, ranks: Int, hasHostfile: Bool = false, isAllocation: Bool = MPIJob.isAllocation,
    cores: Int = ProcessorCores.available()
  ) throws -> Int {
    if hasHostfile || isAllocation, let wanted { return wanted }
    if hasHostfile { return 1 }
    return try ThreadChoice(wanted: wanted, ranks: ranks, cores: cores).threads
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
