/// Tells when a launcher must be killed: after certain remarks it hangs and ignores SIGTERM.
struct LauncherSilence {
  enum Cause {
    /// A rank was killed while it was connecting.
    case lostRank
    /// It reaches none of the ranks that it was to start.
    case noRank
  }

  private var limit: (end: ContinuousClock.Instant, cause: Cause)?

  /// A launcher that loses a rank usually ends within a second or two.
  static let afterLostRank = Duration.seconds(5)

  /// Called after each piece of standard error.
  mutating func hear(
    _ chatter: LauncherChatter, of launcher: any MPILauncher, now: ContinuousClock.Instant = .now
  ) {
    if chatter.hasLostRank {
      limit = (now + Self.afterLostRank, .lostRank)
    } else if let patience = launcher.patienceBeforeRanks, !chatter.hasRank && !chatter.heldBack.isEmpty {
      limit = (now + patience, .noRank)
    } else {
      limit = nil
    }
  }

  /// - Returns: why it has to be ended now; nil if it need not.
  func isOver(now: ContinuousClock.Instant = .now) -> Cause? {
    limit.flatMap { now > $0.end ? $0.cause : nil }
  }
}
