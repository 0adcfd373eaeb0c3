/// What was measured of some units: every figure with its 95 % confidence interval.
public struct Measurement: Sendable, Equatable {
  public struct Figure: Sendable, Equatable {
    public let name: String
    public let value: Double
    /// Nil where the units are too few to tell.
    public let interval: ClosedRange<Double>?
  }

  /// How many documents or questions there were.
  public let units: Int
  public let figures: [Figure]
  public let counts: [Count]

  /// - Parameter units: one for each document or question.
  public init<Unit: Tally>(_ units: [Unit]) {
    let sum = Unit.sum(units)
    self.units = units.count
    counts = sum.counts
    figures = zip(sum.measures, Bootstrap.intervals(of: units)).map {
      Figure(name: $0.name, value: $0.value, interval: $1)
    }
  }
}
