import Foundation
import HATStorage

/// What has started this process as one of several, as its environment says.
///
/// That is compared with MPI's communicator, which alone knows the ranks and their nodes. Processes that do not find each
/// other would each take themselves for the only one, and all would do the whole work.
public struct Launcher: Sendable, Equatable {
  enum Kind: Sendable, Equatable {
    /// `mpirun` of Open MPI.
    case openMPI
    /// `mpiexec` of MPICH or Intel MPI.
    case hydra
    /// Another server of PMI-1 or PMI-2: `srun --mpi=pmi2`.
    case pmi
    /// A server of PMIx: `srun --mpi=pmix`, `prun`.
    case pmix
    /// `srun` without a server.
    case bareSlurm
  }

  let kind: Kind
  /// How many processes it has started; nil where it does not say.
  let size: Int?
  /// This process's number among them, until there is a communicator.
  public let claimedRank: Int
  /// Whether these are the tasks of a Slurm job step.
  let isSlurm: Bool

  /// How many processes it has started, until there is a communicator.
  public var claimedSize: Int { size ?? claimedRank + 1 }

  /// nil for a process that was started by itself.
  public static let current = Launcher(ProcessInfo.processInfo.environment)

  /// nil for a process that was started by itself. So is the only task of a Slurm step, such as an interactive shell, and a
  /// batch script: Slurm sets no `SLURM_STEP_NUM_TASKS` there.
  init?(_ environment: [String: String]) {
    func number(_ name: String) -> Int? { environment[name].flatMap { Int($0) } }
    let step = number("SLURM_PROCID") == nil ? nil : number("SLURM_STEP_NUM_TASKS")
    if let size = number("OMPI_COMM_WORLD_SIZE") {
      (kind, self.size, claimedRank) = (.openMPI, size, number("OMPI_COMM_WORLD_RANK") ?? 0)
      isSlurm = false
      return
    }
    // `mpiexec` may have started its own processes as the tasks of a Slurm step.
    if environment["MPI_LOCALRANKID"] != nil, let rank = number("PMI_RANK"), let size = number("PMI_SIZE") {
      (kind, self.size, claimedRank) = (.hydra, size, rank)
      isSlurm = false
      return
    }
    isSlurm = step != nil
    // The parts of a heterogeneous job meet in one communicator.
    let tasks = environment["SLURM_HET_SIZE"] == nil ? step : nil
    if let rank = number("PMI_RANK"), let size = number("PMI_SIZE") {
      (kind, self.size, claimedRank) = (.pmi, size, rank)
    } else if let rank = number("PMIX_RANK") {
      (kind, self.size, claimedRank) = (.pmix, tasks, rank)
    } else if let rank = number("SLURM_PROCID"), step != nil {
      (kind, self.size, claimedRank) = (.bareSlurm, tasks, rank)
    } else {
      return nil
    }
    if size == 1 { return nil }
  }
}

extension Launcher {
  /// Whether this process reports what is wrong for all: they cannot agree on one. If their number is not known, the first
  /// process may find nothing wrong.
  public var reports: Bool { claimedRank == (size == nil ? 1 : 0) }

  /// Asked before MPI starts, because Open MPI ends a process that it cannot connect.
  /// - Throws: `UserError` of kind `wrongUsage` if this MPI cannot find the other processes.
  func requireServer(isOpenMPI: Bool = MPIRelease.library.family == .openMPI) throws {
    guard isOpenMPI, [.hydra, .pmi, .bareSlurm].contains(kind) else { return }
    let server = kind != .bareSlurm ? "PMI-1 or PMI-2" : "no PMI"
    throw UserError(
      .wrongUsage, at: name,
      "its \(processes) were started with \(server), and Open MPI finds the others by PMIx only", hint: hint)
  }

  /// - Parameter size: of the communicator.
  /// - Throws: `UserError` of kind `wrongUsage` if the communicator does not hold all processes.
  func requireWhole(size: Int) throws {
    guard size == self.size ?? max(size, claimedSize) else {
      throw UserError(
        .wrongUsage, at: name, "it has started \(processes), and MPI connects \(size) of them", hint: hint)
    }
  }

  private var processes: String { size.map { "\($0) processes" } ?? "several processes" }

  /// For messages.
  public var name: String {
    switch kind {
    case .openMPI: "mpirun"
    case _ where isSlurm: "srun"
    case .hydra, .pmi: "mpiexec"
    case .pmix, .bareSlurm: "the launcher"
    }
  }

  private var hint: String {
    let library = MPIRelease.library.text
    return isSlurm
      ? "Use srun --mpi=pmix for Open MPI, --mpi=pmi2 for MPICH and Intel MPI, or mpirun in an allocation; "
        + "`srun --mpi=list` shows what there is, and hat was built with \(library)."
      : "Use the launcher of the MPI that hat was built with, \(library)."
  }
}
