import Glibc

/// A program for an `MPILauncher` to run on a number of ranks.
public struct MPIJob: Sendable {
  public var program: String
  public var arguments: [String]
  public var ranks: Int
  /// Cores each rank is bound to.
  public var threadsPerRank: Int
  /// nil to run on this machine alone.
  public var hostfile: String?
  /// More options for the launcher.
  public var launcherOptions: [String]
  /// Set for the ranks, wherever they run.
  public var environment: [(name: String, value: String)]

  public init(
    program: String, arguments: [String], ranks: Int, threadsPerRank: Int = 1, hostfile: String? = nil,
    launcherOptions: [String] = [],
    environment: [(name: String, value: String)] = []
  ) {
    self.program = program
    self.arguments = arguments
    self.ranks = ranks
    self.threadsPerRank = threadsPerRank
    self.hostfile = hostfile
    self.launcherOptions = launcherOptions
    self.environment = environment
  }

  /// A job on the same machines that does nothing.
  var probe: MPIJob {
    MPIJob(
      program: "true", arguments: [], ranks: ranks, hostfile: hostfile, launcherOptions: launcherOptions)
  }

  /// An environment without the variables that a launcher sets for its own processes: an `mpirun` started with them ends
  /// at once. Adds the permission to run as root where this process does. Settings of Open MPI (`OMPI_MCA_…`) stay if
  /// the user made them; those of a process that is a rank itself are Open MPI's.
  public static func cleanEnvironment(
    of environment: [String], launcher: any MPILauncher = MPILaunchers.current, isRoot: Bool = geteuid() == 0
  ) -> [String] {
    let foreign = [
      "OMPI_", "PMIX_", "PMI_", "OPAL_", "ORTE_", "PRTE_", "HYDI_", "HYDRA_", "MPI_LOCAL",
      "MPIR_CVAR_CH3_INTERFACE_HOSTNAME=",
    ]
    let isRank = environment.contains { $0.hasPrefix("OMPI_COMM_WORLD_SIZE=") }
    let kept = environment.filter { entry in
      !foreign.contains { entry.hasPrefix($0) } || (!isRank && entry.hasPrefix("OMPI_MCA_"))
    }
    return isRoot ? kept + launcher.permissionForRoot : kept
  }
}
