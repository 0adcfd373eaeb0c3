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

/// The same units measured as they are and perturbed: by how much worse each measure became.
struct RelativeDrop<Unit: Tally>: Tally {
  var clean = Unit()
  var perturbed = Unit()

  static func + (first: RelativeDrop, second: RelativeDrop) -> RelativeDrop {
    RelativeDrop(clean: first.clean + second.clean, perturbed: first.perturbed + second.perturbed)
  }

  /// As a share of the clean value, positive where the perturbed one is worse.
  var measures: [Measure] {
    zip(clean.measures, perturbed.measures).map { clean, perturbed in
      let loss = clean.better == .more ? clean.value - perturbed.value : perturbed.value - clean.value
      return Measure(clean.name, loss / clean.value, better: .less)
    }
  }

  var counts: [Count] { [] }
}
