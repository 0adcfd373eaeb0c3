import Foundation
import HATStorage
import Synchronization

/// Ends this process when a part of the diagnosis takes too long: a collective waits for ever for a machine that does not
/// answer.
public final class DiagnosisDeadline: Sendable {
  /// Seconds.
  private let limit: Double
  private let start = ContinuousClock.now
  private let part: Mutex<Part>

  private struct Part {
    var name: String
    var end: ContinuousClock.Instant
    /// Seconds that this process waits longer, so that rank 0 speaks first.
    var grace = 0.0
  }

  /// The ranks start and meet in so many times the limit of a check.
  private static let connecting = 3.0
  /// All checks together have so many times the limit of one.
  private static let whole = 6.0
  private static let tick = 0.05
  private static let grace = 3.0

  /// Begins with the part in which the ranks meet.
  /// - Parameter limit: seconds for each check.
  public init(limit: Double) {
    self.limit = limit
    part = Mutex(Part(name: Diagnosis.connecting, end: start + .seconds(limit * Self.connecting)))
  }

  /// Seconds after which a diagnosis has ended, whatever happens.
  public static func whole(limit: Double) -> Double { limit * whole }

  /// From now on, a check has its time.
  func begin(_ name: String, rank: Int) {
    let end = min(.now + .seconds(limit), start + .seconds(limit * Self.whole))
    part.withLock { $0 = Part(name: name, end: end, grace: rank == 0 ? 0 : Self.grace) }
  }

  /// Watches until the process ends.
  /// - Parameter expired: reports the part that took too long. Called on a thread of its own.
  public func watch(_ expired: @escaping @Sendable (Finding) -> Void) {
    OwnThread.start(name: "deadline") { [self] in
      while true {
        let part = part.withLock { $0 }
        if ContinuousClock.now > part.end + .seconds(part.grace) {
          expired(Self.finding(part.name, on: NodeName.current))
          // `exit` might wait for the thread that is stuck.
          _exit(SharedError.faultExitCode)
        }
        Thread.sleep(forTimeInterval: Self.tick)
      }
    }
  }

  static func finding(_ name: String, on node: String) -> Finding {
    let advice =
      name == Diagnosis.connecting
      ? "Name the network that all machines share (in the environment: \(MPILaunchers.current.sharedNetworkChoice)), "
        + "see that no firewall is between them, and that every machine starts the program."
      : "A machine or process does not answer, or the file system hangs: look at each machine, or run this on half "
        + "of them. `timeLimit` gives each check more time."
    return Finding(
      name, .wrong, "it did not end in time (seen from \(node)): the diagnosis stops here", advice: advice)
  }
}
