import Glibc

/// A program for `mpirun` to run on a number of ranks.
public struct MPIJob: Sendable {
  public var program: String
  public var arguments: [String]
  public var ranks: Int
  /// Cores each rank is bound to.
  public var threadsPerRank: Int
  /// nil to run on this machine alone.
  public var hostfile: String?
  /// More options for `mpirun`.
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

  /// The arguments of `mpirun`.
  /// - Parameter cores: of this machine.
  public func launcherArguments(cores: Int = ProcessorCores.available()) -> [String] {
    var launcher = ["-np", String(ranks)]
    let binding: String
    if let hostfile {
      launcher += ["--hostfile", hostfile]
      binding = "core:overload-allowed"
    } else if threadsPerRank > 1 {
      launcher += ["--map-by", "slot:PE=\(threadsPerRank)"]
      binding = "core"
    } else if ranks <= cores {
      binding = "core"
    } else {
      launcher += ["--oversubscribe"]
      binding = "none"
    }
    if !launcherOptions.contains("--bind-to") { launcher += ["--bind-to", binding] }
    launcher += launcherOptions
    for (name, value) in environment { launcher += ["-x", "\(name)=\(value)"] }
    return launcher + [program] + arguments
  }

  /// A job on the same machines that does nothing.
  var probe: MPIJob {
    MPIJob(
      program: "true", arguments: [], ranks: ranks, hostfile: hostfile, launcherOptions: launcherOptions)
  }

  /// An environment without the variables that Open MPI sets for its own processes: an `mpirun` started with them ends
  /// at once. Adds the permission to run as root where this process does. Settings of Open MPI (`OMPI_MCA_…`) stay if
  /// the user made them; those of a process that is a rank itself are Open MPI's.
  public static func cleanEnvironment(
    of environment: [String], isRoot: Bool = geteuid() == 0
  ) -> [String] {
    let foreign = ["OMPI_", "PMIX_", "PMI_", "OPAL_", "ORTE_", "PRTE_"]
    let isRank = environment.contains { $0.hasPrefix("OMPI_COMM_WORLD_SIZE=") }
    let kept = environment.filter { entry in
      !foreign.contains { entry.hasPrefix($0) } || (!isRank && entry.hasPrefix("OMPI_MCA_"))
    }
    return isRoot ? kept + ["OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"] : kept
  }
}
