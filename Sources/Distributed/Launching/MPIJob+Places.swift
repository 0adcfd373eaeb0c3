import Foundation
import HATStorage

/// Whether there are places for all ranks, asked before any of them starts.
extension MPIJob {
  /// Refuses a job that `mpirun` could not start, or that would overload this machine.
  /// - Throws: `UserError`: `wrongUsage` where too few places are known to exist, `configuration` where files may not be long enough
  ///   for `mpirun` to work; what reading the hostfile throws.
  public func requireStart() throws {
    try requirePlaces(
      cores: ProcessorCores.available(), environment: ProcessInfo.processInfo.environment.keys)
    try Self.requireSharedFiles()
  }

  /// Ranks on each core of this machine that are started without being asked for: to try out what many ranks do.
  static let mostRanksPerCore = 16

  /// - Parameters:
  ///   - cores: of this machine.
  ///   - environment: names of variables.
  /// - Throws: `UserError`: `wrongUsage` where too few places are known to exist; what reading the hostfile throws.
  func requirePlaces(cores: Int, environment: some Collection<String>) throws {
    let slots = try hostfile.flatMap { try Hostfile(reading: $0).slots }
    let isOverloadWanted =
      launcherOptions.contains { $0.lowercased().contains("oversubscribe") }
      || environment.contains("OMPI_MCA_rmaps_base_oversubscribe")
    guard !isOverloadWanted else { return }
    if let slots, let hostfile, ranks > slots {
      throw UserError(
        .wrongUsage, at: "`ranks` \(ranks)", "the machines in \(hostfile) have slots for \(slots)",
        hint: "Use \(counted(slots, "rank")), or name more machines.")
    }
    let (most, isEndless) = cores.multipliedReportingOverflow(by: Self.mostRanksPerCore)
    if !namesMachines(environment), !isEndless, ranks > most {
      throw UserError(
        .wrongUsage, at: "`ranks` \(ranks)",
        "this machine has \(counted(cores, "core")), and a core takes at most \(Self.mostRanksPerCore) ranks",
        hint: "Use \(counted(cores, "rank")), one for each core, or name more machines in a hostfile.")
    }
  }

  /// Bytes of the longest file in which Open MPI's own processes share memory: they hang if they may not make it.
  private static let leastFileBytes = 5 << 20

  /// - Throws: `UserError` of kind `configuration` if files may not be long enough for `mpirun` to work.
  static func requireSharedFiles() throws {
    for limit in MemoryLimit.sharedMemory() where limit.kind == .sharedFile && limit.room < leastFileBytes {
      throw MemoryShortage.error(limit, need: leastFileBytes, ranks: 1)
    }
  }

  /// Whether this is a job of Slurm, PBS, LSF or Grid Engine, by the names of variables.
  static func isAllocation(_ environment: some Collection<String>) -> Bool {
    ["SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "PE_HOSTFILE"].contains { environment.contains($0) }
  }

  package static var isAllocation: Bool { isAllocation(ProcessInfo.processInfo.environment.keys) }

  /// Whether the job may run on other machines than this one: then `mpirun` alone knows how many ranks they take.
  private func namesMachines(_ environment: some Collection<String>) -> Bool {
    let options = [
      "-H", "-host", "--host", "-hosts", "--hosts", "-f", "-hostfile", "--hostfile", "-machinefile",
      "--machinefile",
    ]
    return hostfile != nil || launcherOptions.contains(where: options.contains)
      || environment.contains("OMPI_MCA_orte_default_hostfile") || Self.isAllocation(environment)
  }
}
