import HATRandom

/// Sums over what is measured one by one (documents, questions), and the figures they give.
public protocol Tally: Sendable {
  init()
  static func + (first: Self, second: Self) -> Self
  /// In the same order whatever was counted.
  var measures: [Measure] { get }
  /// What the measures are made of.
  var counts: [Count] { get }
}

extension Tally {
  public static func sum(_ units: some Sequence<Self>) -> Self { units.reduce(Self(), +) }
}

/// One figure, under its name in `--json`. Not a number where nothing was counted.
public struct Measure: Sendable, Equatable {
  /// Which way is better.
  public enum Direction: Sendable { case more, less }

  public let name: String
  public let value: Double
  public let better: Direction

  public init(_ name: String, _ value: Double, better: Direction) {
    (self.name, self.value, self.better) = (name, value, better)
  }
}

public struct Count: Sendable, Equatable {
  public let name: String
  public let value: Int

  public init(_ name: String, _ value: Int) { (self.name, self.value) = (name, value) }
}

/// What was measured of some units: every figure with its 95 % confidence interval.
public struct Measurement: Sendable, Equatable {
  public struct Figure: Sendable, Equatable {
    public let name: String
    public let value: Double
    /// Which way is better.
    public let better: Measure.Direction
    /// Nil where the units are too few to tell.
    public let interval: ClosedRange<Double>?
  }

  /// How many documents or questions there were.
  public let units: Int
  public let figures: [Figure]
  public let counts: [Count]

  /// - Parameter units: one for each document or question.
  public init<Unit: Tally>(_ units: [Unit]) {
    self.units = units.count
    counts = Unit.sum(units).counts
    figures = Bootstrap.figures(of: units.count) { units.measures(of: $0) }
  }
}

extension Array where Element: Tally {
  /// The measures of the sum of some units, by their numbers.
  fileprivate func measures(of units: [Int]) -> [Measure] {
    Element.sum(units.lazy.map { self[$0] }).measures
  }
}

/// What a model gave for documents or questions, one by one: as they are and, where that was asked for, perturbed.
///
/// The intervals of what compares two sums are of pairs: a draw takes both sums of a unit, so that what is hard for both
/// counts for both or for none.
public struct MeasuredUnits<Unit: Tally>: Sendable {
  public let clean: [Unit]
  public let perturbed: [Unit]?

  public init(clean: [Unit], perturbed: [Unit]?) {
    precondition(perturbed.map { $0.count == clean.count } ?? true, "the same units are measured twice")
    (self.clean, self.perturbed) = (clean, perturbed)
  }

  /// By which share of its clean value each figure is worse for the perturbed units; nil without them.
  public var relativeDrops: [Measurement.Figure]? {
    perturbed.map { perturbed in Bootstrap.figures(of: clean.count) { drops(perturbed, of: $0) } }
  }

  private func drops(_ perturbed: [Unit], of units: [Int]) -> [Measure] {
    zip(clean.measures(of: units), perturbed.measures(of: units)).map { clean, perturbed in
      let loss = clean.better == .more ? clean.value - perturbed.value : perturbed.value - clean.value
      return Measure(clean.name, loss / clean.value, better: .less)
    }
  }

  /// By how much each figure is more than another model's on the same units; perturbed, where they are.
  public func differences(from other: MeasuredUnits) -> [Measurement.Figure] {
    precondition(clean.count == other.clean.count, "both models are measured on the same units")
    let (own, others) = (perturbed ?? clean, other.perturbed ?? other.clean)
    return Bootstrap.figures(of: clean.count) { units in
      zip(own.measures(of: units), others.measures(of: units)).map {
        Measure($0.name, $0.value - $1.value, better: $0.better)
      }
    }
  }

  /// How many times as large another model's relative drops are; nil without perturbed units.
  public func dropRatios(of other: MeasuredUnits) -> [Measurement.Figure]? {
    guard let perturbed, let others = other.perturbed else { return nil }
    precondition(clean.count == other.clean.count, "both models are measured on the same units")
    return Bootstrap.figures(of: clean.count) { units in
      zip(drops(perturbed, of: units), other.drops(others, of: units)).map {
        Measure($0.name, $1.value / $0.value, better: .more)
      }
    }
  }
}

/// How far figures depend on which documents or questions happened to be measured (Efron's percentile bootstrap): the
/// units are drawn again and again, as many as there are and with replacement, and each draw gives the figures.
private enum Bootstrap {
  private static let resamples = 1000
  private static let coverage = 0.95
  private static let seed: UInt64 = 1

  /// The measures of all units, each with the interval that holds it in 95 % of the draws: nil for fewer than two units,
  /// and for a measure that is no number in some draw. The same units always give the same intervals.
  static func figures(of count: Int, measures: (_ units: [Int]) -> [Measure]) -> [Measurement.Figure] {
    let figures = measures(Array(0..<count))
    var values = Array(repeating: [Double](), count: figures.count)
    if count > 1 {
      var random = RandomSource(keys: seed)
      for _ in 0..<resamples {
        let draw = measures((0..<count).map { _ in random.next(below: count) })
        for (index, measure) in draw.enumerated() { values[index].append(measure.value) }
      }
    }
    return zip(figures, values).map {
      Measurement.Figure(name: $0.name, value: $0.value, better: $0.better, interval: middle($1))
    }
  }

  private static func middle(_ values: [Double]) -> ClosedRange<Double>? {
    guard !values.isEmpty, values.allSatisfy(\.isFinite) else { return nil }
    let sorted = values.sorted()
    let outside = Int((Double(sorted.count) * (1 - coverage) / 2).rounded())
    return sorted[outside]...sorted[sorted.count - 1 - outside]
  }
}
