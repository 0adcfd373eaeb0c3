import Foundation
import Glibc
import HATStorage

/// Runs a job under `mpirun`, or the launcher of another MPI, and starts it again after a fault: a rank was killed or crashed, or the run hung.
public struct Supervisor {
  /// How often a job may be started again without progress.
  public var restarts: Int
  /// Where the ranks record that they hang; nil for a job without watchdogs.
  public var hangs: HangFolder?
  /// Where a job that is started again goes on, for messages.
  public var continuation: String
  /// How far the job has come, for example the step of its newest checkpoint.
  public var progress: () throws -> Int
  /// Seconds after which the job is ended; nil for one that may take any time.
  public var timeLimit: Double?
  /// Called with a line for each thing that happens.
  public var note: (String) -> Void
  private let launcher = MPILaunchers.current

  public init(
    restarts: Int, hangs: HangFolder? = nil, timeLimit: Double? = nil,
    continuation: String = "from the last checkpoint",
    progress: @escaping () throws -> Int = { 0 }, note: @escaping (String) -> Void
  ) {
    self.restarts = restarts
    self.hangs = hangs
    self.timeLimit = timeLimit
    self.continuation = continuation
    self.progress = progress
    self.note = note
  }

  /// Whether a supervisor has started this rank. The first thing such a rank says is `LauncherChatter.greeting`.
  public static var isPresent: Bool { Launcher.current != nil && getenv(FolderLock.jobVariable) != nil }

  /// Tells the supervisor, if there is one, that this rank has started.
  public static func greet() {
    guard isPresent else { return }
    show(Array("\(LauncherChatter.greeting)\n".utf8))
  }

  /// Exit codes after which the job is not started again: success, 1, which is `mpirun`'s when it could not start the
  /// ranks, and those of `UserError`, which would only come again.
  private static let finalExitCodes = Set(UserError.Kind.allCases.map(\.exitCode)).union([0, 1])

  /// - Parameter job: makes the job of a start, counted from 0.
  /// - Returns: the exit code of the command.
  /// - Throws: `UserError` when there are no places for the ranks, `mpirun` cannot be started, or standard output does not take
  ///   the result; `UserError` or `CommunicationFailure` when `mpirun` starts no rank; `CommunicationFailure` when the time is up.
  public func run(_ job: (_ start: Int) -> MPIJob) throws -> Int32 {
    LauncherSignals.listen()
    try job(0).requireStart()
    var hasStarted = false
    var (start, budget) = (0, RestartBudget(limit: restarts, reached: try progress()))
    while true {
      try hangs?.sweep()
      let ending = try runOnce(job(start))
      let (code, chatter) = (ending.exitCode, ending.chatter)
      let reason = hangReport() ?? description(of: ending)
      if LauncherSignals.count > 0 { return codeAfterStopping(code) }
      hasStarted = hasStarted || chatter.hasRank
      let isFault = Self.isOfSignal(code) && ending.silence != .noRank
      guard code == 0 || hasStarted || isFault else {
        throw LauncherRemarks(chatter.heldBack).refusal(of: job(start), by: launcher, exitCode: code)
      }
      if code == 1 && !chatter.hasError {
        let remarks = LauncherRemarks(chatter.heldBack).text
        note("error: \(launcher.program) has ended the job" + (remarks.isEmpty ? "" : ": \(remarks)"))
      }
      if Self.finalExitCodes.contains(code) { return code == 1 ? SharedError.faultExitCode : code }
      guard budget.take(at: try progress()) else {
        note("error: \(reason)\(vainRestarts). Run the same command again: it goes on \(continuation).")
        return SharedError.faultExitCode
      }
      start += 1
      note("\(reason): going on \(continuation) (restart \(budget.used) of \(restarts))")
      guard try MachineProbe(launcher: launcher, note: note).waitUntilReached(by: job(start)) else {
        return LauncherSignals.count > 0 ? codeAfterStopping(code) : SharedError.faultExitCode
      }
    }
  }

  private var vainRestarts: String {
    restarts > 0 ? ", after \(counted(restarts, "restart")) without progress" : ""
  }

  /// How a start has ended.
  private struct Ending {
    var exitCode: Int32
    var chatter: LauncherChatter
    /// Why the launcher had to be ended; nil if it ended by itself.
    var silence: LauncherSilence.Cause?
  }

  private func runOnce(_ job: MPIJob) throws -> Ending {
    var job = job
    job.environment.append((FolderLock.jobVariable, "\(NodeName.current):\(getpid())"))
    let child = try ChildProcess(job, by: launcher)
    let end = timeLimit.map { ContinuousClock.now + .seconds($0) }
    var isTimeUp = false
    var (silence, cause) = (LauncherSilence(), LauncherSilence.Cause?.none)
    var chatter = LauncherChatter()
    var result = RankOutput()
    var patience = HangPatience()
    var forwarded = 0
    let code = child.wait(
      receive: { received in
        switch received {
        case .output(let bytes): result.pass(bytes)
        case .error(let bytes):
          let shown = chatter.receive(bytes)
          silence.hear(chatter, of: launcher)
          if !shown.isEmpty { patience.hasHeard = true }
          Self.show(shown)
        }
      },
      attend: {
        while forwarded < LauncherSignals.count {
          Self.forward(request: forwarded, to: child)
          forwarded += 1
        }
        if let hangs, patience.isOver(hasRecords: hangs.hasRecords) { child.killTree() }
        if cause == nil, let over = silence.isOver() {
          cause = over
          child.killTree()
        }
        if let end, .now > end {
          isTimeUp = true
          child.killTree()
        }
      })
    Self.show(chatter.finish())
    if isTimeUp, let timeLimit {
      throw CommunicationFailure(
        "\(launcher.program) and its ranks have not ended after \(Int(timeLimit)) seconds")
    }
    do {
      try result.finish()
    } catch  where code != 0 {
      // What has ended the job is what counts.
    }
    return Ending(exitCode: launcher.exitCode(code), chatter: chatter, silence: cause)
  }

  /// - Returns: what to say if the run hung; nil if it did not.
  private func hangReport() -> String? {
    do {
      guard let (report, file) = try hangs?.report() else { return nil }
      return "\(report.summary) \(file) says who waited where"
    } catch {
      return "the run hung, and the report on it cannot be made (\(error))"
    }
  }

  /// The first request lets the ranks finish their step (`mpirun` passes SIGUSR1 on), the second ends the ranks, the
  /// third kills whatever is left.
  private static func forward(request: Int, to child: ChildProcess) {
    switch request {
    case 0: child.send(signal: SIGUSR1)
    case 1: child.send(signal: SIGTERM)
    default: child.killTree()
    }
  }

  /// A job that was asked to stop has stopped early, however it ended. Ranks that end by themselves have said so.
  private func codeAfterStopping(_ code: Int32) -> Int32 {
    if Self.finalExitCodes.contains(code) && code != 1 { return code }
    note(
      "stopped by \(StopSignals.name(LauncherSignals.last)): run the same command again; it goes on \(continuation)"
    )
    return UserError.Kind.stoppedEarly.exitCode
  }

  /// Whether a process was killed: then `mpirun` has refused nothing. Its own errors have other codes.
  private static func isOfSignal(_ code: Int32) -> Bool { (129...192).contains(code) }

  private func description(of ending: Ending) -> String {
    let code = ending.exitCode
    if ending.silence != nil { return "\(launcher.program) stood still while it started the ranks" }
    guard Self.isOfSignal(code) else { return "a rank ended with exit code \(code)" }
    return "a rank was killed by signal \(code - 128) (\(String(cString: strsignal(code - 128))))"
  }

  private static func show(_ bytes: [UInt8]) {
    StandardError.write(bytes)
  }
}

/// How often a job may still be started again. The count begins again once the job has come further than at its last
/// fault. So a long run on machines that fail now and then goes on, and one that always fails at the same place ends.
struct RestartBudget {
  let limit: Int
  /// Restarts since the job last made progress.
  private(set) var used = 0
  private var reached: Int

  init(limit: Int, reached: Int) {
    (self.limit, self.reached) = (limit, reached)
  }

  /// Uses up a restart after a fault.
  /// - Parameter place: how far the job has come.
  /// - Returns: whether there was one left.
  mutating func take(at place: Int) -> Bool {
    if place > reached { (used, reached) = (0, place) }
    guard used < limit else { return false }
    used += 1
    return true
  }
}

/// Counts the requests to stop that reach the process that started `mpirun`.
enum LauncherSignals {
  // Written by the signal handler alone.
  nonisolated(unsafe) private static var requests: Int32 = 0
  nonisolated(unsafe) private(set) static var last: Int32 = 0

  static func listen() {
    StopSignals.handle { number in
      LauncherSignals.last = number
      LauncherSignals.requests += 1
    }
  }

  static var count: Int { Int(requests) }
}
