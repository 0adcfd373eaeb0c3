import ArgumentParser
import Foundation
import HATDistributed
import HATKernels
import HATStorage

/// A command that runs as a rank under `mpirun`, `srun` or the like, or alone.
package enum RankProgram {
  /// - Parameters:
  ///   - onAnyProcessor: whether it runs where a processor lacks what the kernels need.
  ///   - work: the same on every rank; its failures are those all ranks share (`Communicator.together`).
  /// - Returns: the exit code. Whatever went wrong has been reported, once for all ranks.
  package static func run(
    onAnyProcessor: Bool = false, _ work: (any Communicator) throws -> Int32
  ) -> Int32 {
    guard let launcher = Launcher.current else { return runAlone(work) }
    let communicator: MPICommunicator
    do {
      communicator = try MPICommunicator(launcher: launcher)
    } catch let error as UserError {
      return launcher.reports ? report(SharedError(error)) : error.kind.exitCode
    } catch {
      return report(SharedError(error))
    }
    do {
      if !onAnyProcessor { try communicator.together { try Processor.require() } }
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

  /// All ranks know of the failure: one reports it, all leave in order.
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
    Terminal.error(error)
    return error.exitCode
  }
}

extension RankProgram {
  /// This program, to be started again by `mpirun`.
  package static func executable() throws -> String {
    try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
  }

  /// Starts this command again, under `mpirun`, with the same arguments.
  /// - Parameters:
  ///   - options: added to the arguments.
  ///   - continuation: where another start continues.
  /// - Returns: the exit code.
  package static func start(
    ranks: Int, threadsPerRank: Int = 1, hostfile: String? = nil, adding options: [String] = [],
    continuation: String = "from the start"
  ) throws -> Int32 {
    let job = MPIJob(
      program: try executable(), arguments: CommandLine.arguments.dropFirst() + options, ranks: ranks,
      threadsPerRank: threadsPerRank, hostfile: hostfile, environment: Terminal.environment)
    return try Supervisor(restarts: 0, continuation: continuation, note: Terminal.note).run { _ in job }
  }

  /// - Throws: `UserError` of kind `wrongUsage` when --ranks asks ranks to start `mpirun`. Ranks that hat has started have its
  ///   arguments, `--ranks` among them: that is no error.
  package static func require(ranks wanted: Int?, of communicator: any Communicator) throws {
    guard let wanted, let launcher = Launcher.current else { return }
    if Supervisor.isPresent && wanted == communicator.size { return }
    throw UserError(
      .wrongUsage, at: "--ranks \(wanted)",
      "\(launcher.name) has already started \(communicator.size) ranks, and hat would start mpirun in each",
      hint: "Leave --ranks out under \(launcher.name).")
  }

  /// For a command that starts `mpirun` itself. A process that was started as one of several ends, if it is not the first.
  /// - Throws: `UserError` of kind `wrongUsage` in the first of several.
  package static func requireAlone(_ command: String) throws {
    guard let launcher = Launcher.current else { return }
    guard launcher.claimedRank == 0 else { StandardStreams.end(UserError.Kind.wrongUsage.exitCode) }
    throw UserError(
      .wrongUsage, at: command,
      "it starts mpirun itself, and \(launcher.name) has started it as one of several",
      hint: "Run it by itself.")
  }
}

/// A command that runs where the processor lacks what the kernels need, to say so.
package protocol RunsOnAnyProcessor: ParsableCommand {}

extension ParsableCommand {
  /// Runs the command that the arguments name. An error ends the program with its exit code (`SharedError`).
  package static func runProgram() {
    StandardStreams.prepare { Terminal.error($0) }
    Supervisor.greet()
    do {
      try CommandArguments.check()
      var command = try parseAsRoot(
        CommandArguments.completed(Array(CommandLine.arguments.dropFirst())))
      // Ranks say so once for all (`RankProgram.run`).
      if Launcher.current == nil && !(command is any RunsOnAnyProcessor) { try Processor.require() }
      try command.run()
      StandardStreams.end(0)
    } catch  where exitCode(for: error) == .validationFailure {
      let message = fullMessage(for: error)
      Terminal.note(message)
      let hint = UsageHint.hint(after: message, Array(CommandLine.arguments.dropFirst()), of: self)
      if let hint { Terminal.note("Hint: \(hint)") }
      StandardStreams.end(UserError.Kind.wrongUsage.exitCode)
    } catch  where exitCode(for: error) != .failure {
      // Help, wrong usage, or a code that the command has chosen.
      exit(withError: error)
    } catch {
      let failure = SharedError(error)
      Terminal.error(failure)
      StandardStreams.end(failure.exitCode)
    }
  }
}
