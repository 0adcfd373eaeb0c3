import HATCore
import HATTerminal

/// The result of `evaluate`: each figure with its confidence interval, and the counts.
///
/// With a perturbation the figures are those on perturbed text; `unperturbed` has the others, and `relative_drop` is the
/// fraction lost. With a second model, `against` has its figures, `difference` is the first model's figure minus the
/// second's, and `ratio_of_drops` is the second model's drop divided by the first's.
struct EvaluationReport {
  /// The results of one model.
  struct Side {
    /// As the user named it.
    let checkpoint: String
    let step: Int
    let clean: Measurement
    let perturbed: Measurement?
    let drops: [Measurement.Figure]?

    init<Unit: Tally>(_ model: MeasuredModel, _ units: MeasuredUnits<Unit>) {
      (checkpoint, step) = (model.name, model.loaded.manifest.step)
      clean = Measurement(units.clean)
      perturbed = units.perturbed.map { Measurement($0) }
      drops = units.relativeDrops
    }

    var shown: Measurement { perturbed ?? clean }
  }

  /// The results of a second model, and their relation to the first's.
  struct Comparison {
    let against: Side
    let differences: [Measurement.Figure]
    let dropRatios: [Measurement.Figure]?
  }

  let kind: String
  let perturbation: AppliedPerturbation?
  let own: Side
  let comparison: Comparison?
}

extension EvaluationReport: Encodable {
  private typealias Object = KeyedEncodingContainer<Key>

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(_ name: String) { stringValue = name }
    init(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
  }

  func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: Key.self)
    try object.encode(kind, forKey: Key("kind"))
    if let perturbation {
      try object.encode(perturbation.kind.name, forKey: Key("perturbation"))
      try object.encode(perturbation.seed, forKey: Key("perturbation_seed"))
    }
    try Self.encode(own, to: &object)
    guard let comparison else { return }
    var against = object.nestedContainer(keyedBy: Key.self, forKey: Key("against"))
    try against.encode(comparison.against.checkpoint, forKey: Key("checkpoint"))
    try Self.encode(comparison.against, to: &against)
    try Self.encode(comparison.differences, as: "difference", to: &object)
    if let ratios = comparison.dropRatios { try Self.encode(ratios, as: "ratio_of_drops", to: &object) }
  }

  private static func encode(_ side: Side, to object: inout Object) throws {
    try object.encode(side.step, forKey: Key("step"))
    try encode(side.shown, to: &object)
    guard let drops = side.drops else { return }
    var unperturbed = object.nestedContainer(keyedBy: Key.self, forKey: Key("unperturbed"))
    try encode(side.clean, to: &unperturbed)
    try encode(drops, as: "relative_drop", to: &object)
  }

  private static func encode(_ measurement: Measurement, to object: inout Object) throws {
    try object.encode(measurement.units, forKey: Key("units"))
    for count in measurement.counts { try object.encode(count.value, forKey: Key(count.name)) }
    try encode(measurement.figures, to: &object)
  }

  private static func encode(
    _ figures: [Measurement.Figure], as name: String, to object: inout Object
  ) throws {
    var nested = object.nestedContainer(keyedBy: Key.self, forKey: Key(name))
    try encode(figures, to: &nested)
  }

  /// Figures that are not numbers, and intervals from too few units, are null.
  private static func encode(_ figures: [Measurement.Figure], to object: inout Object) throws {
    for figure in figures {
      try object.encode(figure.value.isFinite ? figure.value : nil, forKey: Key(figure.name))
    }
    var intervals = object.nestedContainer(keyedBy: Key.self, forKey: Key("intervals"))
    for figure in figures {
      try intervals.encode(
        figure.interval.map { [$0.lowerBound, $0.upperBound] }, forKey: Key(figure.name))
    }
  }
}
