import Glibc
import HATStorage

/// The signals that ask a training to stop.
package enum StopSignals {
  /// Calls `handler` with each that arrives from now on. A SIGHUP that is ignored stays so: `nohup` has asked for it.
  package static func handle(_ handler: @escaping @convention(c) (Int32) -> Void) {
    for number in [SIGTERM, SIGINT, SIGHUP, SIGUSR1] {
      let previous = signal(number, handler)
      if number == SIGHUP && unsafeBitCast(previous, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) {
        signal(SIGHUP, SIG_IGN)
      }
    }
  }

  /// As users know it.
  package static func name(_ number: Int32) -> String {
    switch number {
    case SIGTERM: "SIGTERM"
    case SIGINT: "SIGINT (Ctrl-C)"
    case SIGHUP: "SIGHUP"
    case SIGUSR1: "SIGUSR1"
    default: "signal \(number)"
    }
  }

  /// For commands that can be resumed at any point: the first stop signal ends the process with exit code 75.
  /// - Parameter report: says why, given the signal's name. It is called on a thread of its own.
  package static func endProcess(_ report: @escaping @Sendable (String) -> Void) {
    sem_init(arrival, 0, 0)
    handle { number in
      StopSignals.first = number
      sem_post(StopSignals.arrival)
    }
    OwnThread.start(name: "signals") {
      while sem_wait(arrival) != 0 {}
      report(name(first))
      StandardStreams.end(UserError.Kind.stoppedEarly.exitCode)
    }
  }

  nonisolated(unsafe) private static let arrival = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
  // Written by the signal handler alone.
  nonisolated(unsafe) private static var first: Int32 = 0
}
