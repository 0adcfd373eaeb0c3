import HATDistributed
import HATStorage

/// A program that runs as a rank under `mpirun`, or alone.
enum RankProgram {
  /// - Parameter work: the same on every rank; its failures are those all ranks share (`Communicator.together`).
  /// - Returns: the exit code. Whatever goes wrong has been said, once for all ranks.
  static func run(_ work: (any Communicator) throws -> Int32) -> Int32 {
    guard MPICommunicator.isLaunched else { return runAlone(work) }
    let communicator: MPICommunicator
    do {
      communicator = try MPICommunicator()
    } catch {
      return report(SharedError(error))
    }
    do {
      let code = try work(communicator)
      try communicator.finalize()
      return code
    } catch let failure as AgreedFailure {
      return leave(communicator, after: failure)
    } catch {
      communicator.abort(exitCode: report(SharedError(error)))
    }
  }

  private static func runAlone(_ work: (any Communicator) throws -> Int32) -> Int32 {
    do {
      return try work(SoloCommunicator())
    } catch {
      return report(SharedError(error))
    }
  }

  /// All ranks know of the failure: one says it, all leave in order.
  private static func leave(_ communicator: MPICommunicator, after failure: AgreedFailure) -> Int32 {
    if communicator.rank == 0 { _ = report(failure.cause) }
    do {
      try communicator.finalize()
    } catch {
      communicator.abort(exitCode: failure.cause.exitCode)
    }
    return failure.cause.exitCode
  }

  private static func report(_ error: SharedError) -> Int32 {
    TrainProgress.say("error: \(error)")
    return error.exitCode
  }
}
