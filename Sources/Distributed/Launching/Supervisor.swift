import Foundation
import Glibc
import HATStorage

/// Runs a job under `mpirun` and starts it again after a fault: a rank that was killed or crashed, or a run that hung.
public struct Supervisor {
  /// Times a job may be started again without having come further.
  public var restarts: Int
  /// Where the ranks write down that they hang; nil for a job that does not watch them.
  public var hangs: HangFolder?
  /// Where a job that is started again goes on.
  public var continuation: String
  /// How far the job has come, such as the step of its newest checkpoint.
  public var progress: () throws -> Int
  /// Told what happens; one line each.
  public var note: (String) -> Void

  public init(
    restarts: Int, hangs: HangFolder? = nil, continuation: String = "from the last checkpoint",
    progress: @escaping () throws -> Int = { 0 }, note: @escaping (String) -> Void
  ) {
    self.restarts = restarts
    self.hangs = hangs
    self.continuation = continuation
    self.progress = progress
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
    var (start, budget) = (0, RestartBudget(limit: restarts, reached: try progress()))
    while true {
      try hangs?.sweep()
      let code = try runOnce(job(start))
      let reason = hangReport() ?? Self.description(of: code)
      if LauncherSignals.count > 0 { return Self.codeAfterStopping(code) }
      if Self.finalExitCodes.contains(code) { return code == 1 ? SharedError.faultExitCode : code }
      guard budget.take(at: try progress()) else {
        note("error: \(reason)\(vainRestarts). Run the same command again: it goes on \(continuation).")
        return SharedError.faultExitCode
      }
      start += 1
      note("\(reason): going on \(continuation) (restart \(budget.used) of \(restarts))")
      guard try MachineProbe(note: note).waitUntilReached(by: job(start)) else {
        return LauncherSignals.count > 0
          ? UserError.Kind.stoppedEarly.exitCode : SharedError.faultExitCode
      }
    }
  }

  private var vainRestarts: String {
    restarts > 0 ? ", after \(restarts) restart\(restarts == 1 ? "" : "s") without progress" : ""
  }

  private func runOnce(_ job: MPIJob) throws -> Int32 {
    let child = try ChildProcess(job)
    var chatter = LauncherChatter()
    var patience = HangPatience()
    var forwarded = 0
    let code = child.wait(
      receive: { bytes in
        patience.hasHeard = true
        Self.show(chatter.receive(bytes))
      },
      attend: {
        while forwarded < LauncherSignals.count {
          Self.forward(request: forwarded, to: child)
          forwarded += 1
        }
        if let hangs, patience.isOver(hasRecords: hangs.hasRecords) { child.killTree() }
      })
    Self.show(chatter.finish())
    if code == 1 && !chatter.hasError { Self.show(chatter.heldBack) }
    return code
  }

  /// - Returns: what to say when the run hung; nil when it did not.
  private func hangReport() -> String? {
    do {
      guard let (report, file) = try hangs?.report() else { return nil }
      return "\(report.summary) \(file) says who waited where"
    } catch {
      return "the run hung, and the report on it cannot be made (\(error))"
    }
  }

  /// The first request lets the step be finished (mpirun passes SIGUSR1 on), the second ends the ranks, the third
  /// whatever is left.
  private static func forward(request: Int, to child: ChildProcess) {
    switch request {
    case 0: child.send(signal: SIGUSR1)
    case 1: child.send(signal: SIGTERM)
    default: child.killTree()
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
