import Glibc

/// The requests to stop that reach the process that started `mpirun`.
enum LauncherSignals {
  // Written by the signal handler alone.
  nonisolated(unsafe) private static var requests: Int32 = 0

  static func listen() {
    for number in [SIGTERM, SIGINT, SIGHUP, SIGUSR1] {
      signal(number) { _ in LauncherSignals.requests += 1 }
    }
  }

  static var count: Int { Int(requests) }
}
