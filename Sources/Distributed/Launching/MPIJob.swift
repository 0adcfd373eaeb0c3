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
  /// Set for the ranks, wherever they run.
  public var environment: [(name: String, value: String)]

  public init(
    program: String, arguments: [String], ranks: Int, threadsPerRank: Int = 1, hostfile: String? = nil,
    environment: [(name: String, value: String)] = []
  ) {
    self.program = program
    self.arguments = arguments
    self.ranks = ranks
    self.threadsPerRank = threadsPerRank
    self.hostfile = hostfile
    self.environment = environment
  }

  /// What follows `mpirun`.
  /// - Parameter cores: of this machine.
  public func launcherArguments(cores: Int = ProcessorCores.available()) -> [String] {
    var launcher = ["-np", String(ranks)]
    if let hostfile {
      launcher += ["--hostfile", hostfile, "--bind-to", "core:overload-allowed"]
    } else if threadsPerRank > 1 {
      launcher += ["--map-by", "slot:PE=\(threadsPerRank)", "--bind-to", "core"]
    } else if ranks <= cores {
      launcher += ["--bind-to", "core"]
    } else {
      launcher += ["--oversubscribe", "--bind-to", "none"]
    }
    for (name, value) in environment { launcher += ["-x", "\(name)=\(value)"] }
    return launcher + [program] + arguments
  }

  /// This process's environment without what Open MPI puts there for its own processes, which makes an `mpirun`
  /// started from one of them end at once; with leave to run as root where that is who we are.
  public static func cleanEnvironment(
    of environment: [String], isRoot: Bool = geteuid() == 0
  ) -> [String] {
    let foreign = ["OMPI_", "PMIX_", "OPAL_", "ORTE_", "PRTE_"]
    let kept = environment.filter { entry in !foreign.contains { entry.hasPrefix($0) } }
    return isRoot ? kept + ["OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"] : kept
  }
}
