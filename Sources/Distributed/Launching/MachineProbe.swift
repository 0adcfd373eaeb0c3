import Glibc

/// Finds out whether `mpirun` reaches all machines of a job, by running a program there that does nothing. A restart
/// while a machine or a connection is down would only be wasted.
struct MachineProbe {
  var launcher: any MPILauncher
  var note: (String) -> Void

  private static let timeLimit = Duration.seconds(15)
  private static let pause = Duration.seconds(2)
  /// After that long it is not going to be repaired.
  private static let patience = Duration.seconds(3600)

  /// Waits until all machines answer.
  /// - Returns: false when they do not within an hour, or when asked to stop.
  /// - Throws: `UserError` when `mpirun` cannot be started.
  func waitUntilReached(by job: MPIJob) throws -> Bool {
    let start = ContinuousClock.now
    var isFirst = true
    while try !isReached(by: job) {
      if isFirst { note("\(launcher.program) does not reach all machines: waiting until it does") }
      isFirst = false
      if LauncherSignals.count > 0 { return false }
      guard ContinuousClock.now - start < Self.patience else {
        note(
          "error: \(launcher.program) has not reached all machines for an hour. Run the same command again when it can."
        )
        return false
      }
      usleep(UInt32(Self.pause.components.seconds) * 1_000_000)
    }
    return LauncherSignals.count == 0
  }

  private func isReached(by job: MPIJob) throws -> Bool {
    let start = ContinuousClock.now
    let child = try ChildProcess(job.probe, by: launcher)
    let code = child.wait(
      receive: { _ in },
      attend: {
        if LauncherSignals.count > 0 || ContinuousClock.now - start > Self.timeLimit { child.killTree() }
      })
    return code == 0
  }
}
