import Glibc

/// Whether this process has been asked, by SIGTERM or SIGUSR1, to finish its step, checkpoint and stop.
public enum StopRequest {
  // Written by the signal handler alone, in one instruction.
  nonisolated(unsafe) private static var isRaised: Int32 = 0

  /// Takes the two signals over for the rest of the process's life.
  public static func listen() {
    for number in [SIGTERM, SIGUSR1] {
      signal(number) { _ in StopRequest.isRaised = 1 }
    }
  }

  public static var isPending: Bool { isRaised != 0 }
}
