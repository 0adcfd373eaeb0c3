import Foundation
import Glibc
import HATStorage
import Synchronization
import SystemPackage

/// Watches the progress of a rank on a thread of its own. When an activity takes longer than it may, it records what the
/// rank was doing and ends the process.
///
/// The thread needs nothing from the one it watches, which may be stuck in a collective for ever.
public final class Watchdog: Sendable {
  private let log: OperationLog
  private let folder: HangFolder
  /// What the launcher says, until the ranks have met.
  private let place: Mutex<(rank: Int, ranks: Int)>
  /// Whether a supervisor makes the report.
  private let isSupervised: Bool

  /// Seconds for the other ranks to write their records, before the first one that ends takes them with it.
  private static let grace = 3.0
  private static let longestTick = 1.0
  /// Seconds: a tick that is later than that is not late because the machine is busy.
  private static let lateness = 0.5

  public init(
    log: OperationLog, run: FilePath, launcher: Launcher? = .current,
    isSupervised: Bool = Supervisor.isPresent
  ) {
    self.log = log
    folder = HangFolder(run: run)
    place = Mutex((launcher?.claimedRank ?? 0, launcher?.claimedSize ?? 1))
    self.isSupervised = isSupervised
  }

  /// The ranks have met.
  public func joined(_ communicator: any Communicator) {
    let (rank, ranks) = (communicator.rank, communicator.size)
    place.withLock { $0 = (rank, ranks) }
  }

  /// Watches until the process ends.
  public func start() {
    OwnThread.start(name: "watchdog") { [self] in
      write(stoodStill: waitUntilOverdue())
      Thread.sleep(forTimeInterval: Self.grace)
      if !isSupervised { report() }
      // The next start cleans up. `exit` might wait for the thread that is stuck.
      _exit(SharedError.faultExitCode)
    }
  }

  /// Time in which this thread stood still too does not count: then the whole process was stopped, and perhaps all ranks
  /// were, by a batch system that resumes them later.
  /// - Returns: that time, in seconds.
  private func waitUntilOverdue() -> Double {
    var (mark, stoodStill) = (log.activityMark, 0.0)
    while !log.isOverdue(pause: stoodStill) {
      let (tick, start) = (min(Self.longestTick, log.allowanceSeconds / 10), ContinuousClock.now)
      Thread.sleep(forTimeInterval: tick)
      let late = (ContinuousClock.now - start) / .seconds(1) - tick
      if mark != log.activityMark { (mark, stoodStill) = (log.activityMark, 0) }
      if late > Self.lateness { stoodStill += late }
    }
    return stoodStill
  }

  /// What this rank is doing.
  func record(stoodStill: Double) -> HangRecord {
    let moment = log.moment()
    let (rank, ranks) = place.withLock { $0 }
    return HangRecord(
      rank: rank, ranks: ranks, node: NodeName.current, process: getpid(),
      activity: moment.activity, step: moment.step, seconds: moment.seconds, allowance: moment.allowance,
      stoodStill: stoodStill,
      collectives: moment.collectives, operations: moment.operations)
  }

  private func write(stoodStill: Double) {
    do {
      try folder.write(record(stoodStill: stoodStill))
    } catch {
      let rank = place.withLock { $0.rank }
      Self.say("rank \(rank) hangs and cannot write down where: \(error)")
    }
  }

  /// Without a supervisor the first rank whose time is up makes the report, because its end takes the others with it.
  private func report() {
    do {
      try folder.report { report, file in
        Self.say(
          "error: \(report.summary) \(file) says who waited where. Run the same command again: it goes on from "
            + "the last checkpoint.")
      }
    } catch {
      Self.say("error: the run hung, and the report on it cannot be made: \(error)")
    }
  }

  private static func say(_ text: String) {
    StandardError.write("\(text)\n".utf8)
  }
}
