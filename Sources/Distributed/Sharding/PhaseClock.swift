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

  private var spent = PhaseSeconds()
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
    spent[phase] += (now - since) / .seconds(1)
    (phase, since) = (next, now)
  }

  /// Seconds since the clock was made or last read, by phase.
  func read() -> PhaseSeconds {
    change(to: phase)
    defer { spent = PhaseSeconds() }
    return spent
  }
}

/// Seconds of one rank by phase.
public struct PhaseSeconds: Sendable, Equatable {
  /// Room for eight phases, without an array on the heap each step.
  private var seconds = SIMD8<Double>()

  public internal(set) subscript(phase: PhaseClock.Phase) -> Double {
    get { seconds[phase.rawValue] }
    set { seconds[phase.rawValue] = newValue }
  }

  public static func + (a: PhaseSeconds, b: PhaseSeconds) -> PhaseSeconds {
    var sum = a
    sum.seconds += b.seconds
    return sum
  }
}
