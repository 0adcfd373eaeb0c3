/// What the time of a step is spent on, by the clock of one rank.
public final class PhaseClock {
  public enum Phase: Int, Sendable, CaseIterable {
    case data
    case compute
    /// Until the other ranks are there too.
    case wait
    /// Adding up what the ranks of a node have computed.
    case reduction
    /// Between nodes.
    case exchange
    case update
    /// Whatever is none of these.
    case other
  }

  private var spent = [Double](repeating: 0, count: Phase.allCases.count)
  private var phase = Phase.other
  private var since = ContinuousClock().now

  public init() {}

  /// Does `work` and counts its time to `phase`, without what is counted to other phases inside.
  func during<Success>(_ phase: Phase, _ work: () throws -> Success) rethrows -> Success {
    let outer = self.phase
    change(to: phase)
    defer { change(to: outer) }
    return try work()
  }

  private func change(to next: Phase) {
    let now = ContinuousClock().now
    spent[phase.rawValue] += (now - since) / .seconds(1)
    (phase, since) = (next, now)
  }

  /// Seconds since the clock was made or last read, by phase.
  func read() -> PhaseSeconds {
    change(to: phase)
    defer { spent = [Double](repeating: 0, count: spent.count) }
    return PhaseSeconds(spent)
  }
}

/// Seconds of one rank by phase.
public struct PhaseSeconds: Sendable, Equatable {
  private var seconds: [Double]

  init(_ seconds: [Double] = [Double](repeating: 0, count: PhaseClock.Phase.allCases.count)) {
    self.seconds = seconds
  }

  public subscript(phase: PhaseClock.Phase) -> Double { seconds[phase.rawValue] }

  public static func + (a: PhaseSeconds, b: PhaseSeconds) -> PhaseSeconds {
    PhaseSeconds(zip(a.seconds, b.seconds).map { $0 + $1 })
  }
}
