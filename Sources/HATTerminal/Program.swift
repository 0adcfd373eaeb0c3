import ArgumentParser
import HATDistributed
import HATStorage

extension ParsableCommand {
  /// Runs the command that the arguments name. An error ends the program with its exit code (`SharedError`).
  package static func runProgram() {
    StandardStreams.prepare { Terminal.error($0) }
    Supervisor.greet()
    do {
      try CommandArguments.check()
      var command = try parseAsRoot(
        CommandArguments.completed(Array(CommandLine.arguments.dropFirst())))
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
