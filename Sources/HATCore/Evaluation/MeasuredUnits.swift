/// What a model gave for documents or questions, one by one: as they are and, where that was asked for, perturbed.
public struct MeasuredUnits<Unit: Tally>: Sendable {
  public let clean: [Unit]
  public let perturbed: [Unit]?

  public init(clean: [Unit], perturbed: [Unit]?) {
    precondition(perturbed.map { $0.count == clean.count } ?? true, "the same units are measured twice")
    (self.clean, self.perturbed) = (clean, perturbed)
  }

  /// By which share of its clean value each figure is worse for the perturbed units; nil without them.
  ///
  /// The intervals are of pairs: a draw takes a unit's clean and perturbed sums together.
  public var relativeDrops: [Measurement.Figure]? { drops.map { Measurement($0).figures } }

  private var drops: [RelativeDrop<Unit>]? {
    perturbed.map { zip(clean, $0).map { RelativeDrop(clean: $0, perturbed: $1) } }
  }
}

extension MeasuredUnits {
  /// By how much each figure is more than another model's on the same units; perturbed, where they are.
  ///
  /// The intervals are of pairs: what is hard for both models is drawn for both or for none.
  public func differences(from other: MeasuredUnits) -> [Measurement.Figure] {
    precondition(clean.count == other.clean.count, "both models are measured on the same units")
    let pairs = zip(perturbed ?? clean, other.perturbed ?? other.clean)
    return Measurement(pairs.map { Difference(first: $0, second: $1) }).figures
  }

  /// How many times as large another model's relative drops are; nil without perturbed units. The intervals are of pairs.
  public func dropRatios(of other: MeasuredUnits) -> [Measurement.Figure]? {
    guard let drops, let others = other.drops else { return nil }
    precondition(drops.count == others.count, "both models are measured on the same units")
    return Measurement(zip(drops, others).map { Ratio(first: $0, second: $1) }).figures
  }
}
