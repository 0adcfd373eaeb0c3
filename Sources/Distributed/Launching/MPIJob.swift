import Glibc

/// A program to be run by `mpirun` on a number of ranks.
public struct MPIJob: Sendable {
  public var program: String
  public var arguments: [String]
  public var ranks: Int
  /// Cores each rank is bound to.
  public var threadsPerRank: Int
  /// nil for this machine alone.
  public var hostfile: String?
  /// What else `mpirun` is to be called with.
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

  /// What follows `mpirun`.
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

  /// A job that starts nothing on the same machines.
  var probe: MPIJob {
    MPIJob(
      program: "true", arguments: [], ranks: ranks, hostfile: hostfile, launcherOptions: launcherOptions)
  }

  /// This process's environment without what Open MPI puts there for its own processes, which makes an `mpirun`
  /// started from one of them end at once; with leave to run as root where that is who we are. Settings of Open MPI
  /// (`OMPI_MCA_…`) that the user has made stay: those of a process that is a rank are not the user's.
  public static func cleanEnvironment(
    of environment: [String], isRoot: Bool = geteuid() == 0
  ) -> [String] {
    let foreign = ["OMPI_", "PMIX_", "OPAL_", "ORTE_", "PRTE_"]
    let isRank = environment.contains { $0.hasPrefix("OMPI_COMM_WORLD_SIZE=") }
    let kept = environment.filter { entry in
      !foreign.contains { entry.hasPrefix($0) } || (!isRank && entry.hasPrefix("OMPI_MCA_"))
    }
    return isRoot ? kept + ["OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"] : kept
  }
}
