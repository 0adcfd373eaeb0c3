/// Sums over what is measured one by one (documents, questions), and the figures they give.
public protocol Tally: Sendable {
  init()
  static func + (first: Self, second: Self) -> Self
  /// In the same order whatever was counted.
  var measures: [Measure] { get }
  /// What the measures are made of.
  var counts: [Count] { get }
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

  public init(_ name: String, _ value: Int) {
    (self.name, self.value) = (name, value)
  }
}

extension Tally {
  public static func sum(_ units: [Self]) -> Self {
    units.reduce(Self(), +)
  }
}
