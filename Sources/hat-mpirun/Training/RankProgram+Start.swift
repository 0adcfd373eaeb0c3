import Foundation
import HATDistributed
import HATStorage

extension RankProgram {
  /// This program, to be started again by `mpirun`.
  static func executable() throws -> String {
    try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
  }

  /// Starts this command again, by `mpirun`, with the same arguments.
  /// - Parameter continuation: where another start goes on.
  /// - Returns: the exit code.
  static func start(ranks: Int, continuation: String) throws -> Int32 {
    let job = MPIJob(
      program: try executable(), arguments: Array(CommandLine.arguments.dropFirst()), ranks: ranks,
      environment: ProgressLine.environment)
    return try Supervisor(restarts: 0, continuation: continuation) { TrainProgress.say($0) }.run { _ in job }
  }

  /// - Throws: `UserError` of kind `wrongUsage` when `mpirun` has started another number of ranks than --ranks asks for.
  static func require(ranks wanted: Int?, of communicator: any Communicator) throws {
    guard let wanted, wanted != communicator.size else { return }
    throw UserError(
      .wrongUsage, at: "--ranks \(wanted)", "mpirun has started \(communicator.size) ranks already",
      hint: "Leave --ranks out under mpirun.")
  }
}
