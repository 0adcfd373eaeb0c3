/// The program that starts the ranks of a job. Each MPI has its own, with options and habits of its own; only the one that
/// belongs to the library connects the ranks.
public protocol MPILauncher: Sendable {
  /// Found in PATH.
  var program: String { get }
  /// What an administrator does where it is missing.
  var installation: String { get }
  /// The variables that name a network to its library, for messages.
  var networkChoice: String { get }
  /// The same, and for what the launcher's own processes say to each other.
  var sharedNetworkChoice: String { get }
  /// What says why a fast network is not used.
  var fastNetworkQuestion: String { get }
  /// How long it may say nothing more, after it has said something and before a rank has started; nil if it ends by itself when it
  /// cannot start them.
  var patienceBeforeRanks: Duration? { get }

  /// The arguments that start a job.
  /// - Parameters:
  ///   - cores: of this machine.
  ///   - isAllocation: whether a batch system has said which machines the job has, and how many ranks each takes.
  /// - Throws: `UserError` where it cannot do what the job asks for; what reading the hostfile throws.
  func arguments(for job: MPIJob, cores: Int, isAllocation: Bool) throws -> [String]

  /// What it wants in its environment to run as root.
  var permissionForRoot: [String] { get }

  /// The exit code as shells have it, 128 + n after signal n, of one that it has ended with.
  func exitCode(_ code: Int32) -> Int32
}

extension MPILauncher {
  /// How ranks are bound to cores where the user does not say.
  func binding(for job: MPIJob, otherwise options: [String]) -> [String] {
    job.launcherOptions.contains { ["-bind-to", "--bind-to"].contains($0) } ? [] : options
  }
}

/// The launcher of the MPI library that this program runs with.
public enum MPILaunchers {
  public static let current: any MPILauncher =
    MPIRelease.library.family == .openMPI ? OpenMPILauncher() : HydraLauncher()
}
