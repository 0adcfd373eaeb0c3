/// When a job that hangs has to be ended from outside, because `mpirun` does not: it waits for a machine it no longer
/// reaches, or has never started the ranks.
struct HangPatience {
  /// Whether the job has said anything yet; it does as soon as its ranks have met.
  var hasHeard = false
  private let start: ContinuousClock.Instant
  private var reported: ContinuousClock.Instant?

  /// For the ranks to write down what they are at and end, and for `mpirun` to follow.
  static let afterRecords = Duration.seconds(10)
  /// For the ranks to be started and to meet.
  static let beforeFirstWord = Duration.seconds(600)

  init(now: ContinuousClock.Instant = .now) {
    start = now
  }

  /// - Parameter hasRecords: whether a rank has written down that it hangs.
  mutating func isOver(hasRecords: Bool, now: ContinuousClock.Instant = .now) -> Bool {
    guard hasRecords else { return !hasHeard && now - start > Self.beforeFirstWord }
    let first = reported ?? now
    reported = first
    return now - first > Self.afterRecords
  }
}
