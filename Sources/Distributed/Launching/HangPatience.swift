/// When a job that hangs has to be ended from outside, because `mpirun` does not end it: it waits for a machine that it
/// no longer reaches, or never started the ranks.
struct HangPatience {
  /// Whether a rank has printed anything yet. It does as soon as its ranks have met.
  var hasHeard = false
  private let start: ContinuousClock.Instant
  private var reported: ContinuousClock.Instant?

  /// Time for the ranks to record what they are doing and to end, and for `mpirun` to follow.
  static let afterRecords = Duration.seconds(10)
  /// Time for the ranks to start and to meet.
  static let beforeFirstWord = Duration.seconds(600)

  init(now: ContinuousClock.Instant = .now) {
    start = now
  }

  /// - Parameter hasRecords: whether a rank has recorded that it hangs.
  mutating func isOver(hasRecords: Bool, now: ContinuousClock.Instant = .now) -> Bool {
    guard hasRecords else { return !hasHeard && now - start > Self.beforeFirstWord }
    let first = reported ?? now
    reported = first
    return now - first > Self.afterRecords
  }
}
