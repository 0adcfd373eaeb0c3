import Glibc

/// The signals that ask a training to stop.
enum StopSignals {
  /// Calls `handler` with each that arrives from now on. A SIGHUP that is ignored stays so: `nohup` has asked for it.
  static func handle(_ handler: @escaping @convention(c) (Int32) -> Void) {
    for number in [SIGTERM, SIGINT, SIGHUP, SIGUSR1] {
      let previous = signal(number, handler)
      if number == SIGHUP && unsafeBitCast(previous, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) {
        signal(SIGHUP, SIG_IGN)
      }
    }
  }
}
