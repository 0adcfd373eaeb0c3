import Foundation
import Glibc
import HATStorage

/// Runs a job under `mpirun` and starts it again after a fault: a rank that was killed or crashed.
public struct Supervisor {
  /// Times a job may be started again.
  public var restarts: Int
  /// Where a job that is started again goes on.
  public var continuation: String
  /// Told what happens; one line each.
  public var note: (String) -> Void

  public init(
    restarts: Int, continuation: String = "from the last checkpoint", note: @escaping (String) -> Void
  ) {
    self.restarts = restarts
    self.continuation = continuation
    self.note = note
  }

  /// Exit codes that a new start would only meet again, or need not: those of cli.md but a fault of ours, and 1, with
  /// which `mpirun` says that it could not start the ranks.
  private static let finalExitCodes: Set<Int32> = [0, 1, 64, 65, 66, 73, 75, 78]

  /// - Parameter job: the job of a start, counted from 0.
  /// - Returns: the exit code of the command.
  /// - Throws: `UserError` when `mpirun` cannot be started.
  public func run(_ job: (_ start: Int) -> MPIJob) throws -> Int32 {
    LauncherSignals.listen()
    var start = 0
    while true {
      let code = try runOnce(job(start))
      if LauncherSignals.count > 0 { return Self.codeAfterStopping(code) }
      if Self.finalExitCodes.contains(code) { return code == 1 ? SharedError.faultExitCode : code }
      guard start < restarts else {
        note(
          "error: \(Self.description(of: code))\(restarts > 0 ? ", after \(restarts) restart\(restarts == 1 ? "" : "s")" : ""). "
            + "Run the same command again: it goes on \(continuation).")
        return SharedError.faultExitCode
      }
      start += 1
      note(
        "\(Self.description(of: code)): going on \(continuation) (restart \(start) of \(restarts))")
      // Ranks that outlive mpirun by a moment still hold the run's lock and memory.
      sleep(1)
    }
  }

  private func runOnce(_ job: MPIJob) throws -> Int32 {
    let child = try ChildProcess(
      "mpirun", arguments: job.launcherArguments(),
      environment: MPIJob.cleanEnvironment(
        of: ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }))
    var chatter = LauncherChatter()
    var forwarded = 0
    let code = child.wait(
      receive: { bytes in Self.show(chatter.receive(bytes)) },
      attend: {
        while forwarded < LauncherSignals.count {
          child.send(signal: Self.signal(ofRequest: forwarded))
          forwarded += 1
        }
      })
    Self.show(chatter.finish())
    if code == 1 && !chatter.hasError { Self.show(chatter.heldBack) }
    return code
  }

  /// The first request lets the step be finished (mpirun passes SIGUSR1 on), the second ends the ranks, the third
  /// mpirun itself.
  private static func signal(ofRequest request: Int) -> Int32 {
    switch request {
    case 0: SIGUSR1
    case 1: SIGTERM
    default: SIGKILL
    }
  }

  /// A job that was asked to stop has stopped early, however it took it.
  private static func codeAfterStopping(_ code: Int32) -> Int32 {
    finalExitCodes.contains(code) && code != 1 ? code : UserError.Kind.stoppedEarly.exitCode
  }

  private static func description(of code: Int32) -> String {
    guard code > 128 else { return "a rank ended with exit code \(code)" }
    return "a rank was killed by signal \(code - 128) (\(String(cString: strsignal(code - 128))))"
  }

  private static func show(_ bytes: [UInt8]) {
    FileHandle.standardError.write(Data(bytes))
  }
}
