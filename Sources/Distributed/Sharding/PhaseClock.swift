/// Measures how one rank spends the time of a step.
public final class PhaseClock {
  public enum Phase: Int, Sendable, CaseIterable {
    case data
    case compute
    /// Waiting for other ranks.
    case wait
    /// Adding up gradients inside a node.
    case reduction
    /// Communication between nodes.
    case exchange
    case update
    /// Everything else.
    case other
  }

  private var spent = PhaseSeconds()
  private var phase = Phase.other
  private var since = ContinuousClock().now

  public init() {}

  /// Does `work` and counts its time as `phase`, except for phases measured inside it.
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

  /// Seconds by phase since the clock was created or last read.
  func read() -> PhaseSeconds {
    change(to: phase)
    defer { spent = PhaseSeconds() }
    return spent
  }
}

/// Seconds of one rank by phase.
public struct PhaseSeconds: Sendable, Equatable {
  /// Room for eight phases without an allocation on the heap at each step.
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
