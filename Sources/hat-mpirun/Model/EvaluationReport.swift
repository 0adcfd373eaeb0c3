import HATCore

/// What `evaluate` says: each figure with its interval, and the counts it is made of.
///
/// Of a perturbed measurement the figures are those under perturbation; `unperturbed` holds the others, and
/// `relative_drop` the share of them that was lost.
struct EvaluationReport {
  private let step: Int
  private let kind: String
  private let clean: Measurement
  private var perturbed: Perturbed?

  private struct Perturbed {
    let measurement: Measurement
    let drops: [Measurement.Figure]
    let perturbation: AppliedPerturbation
  }

  init(step: Int, kind: String, _ clean: Measurement) {
    (self.step, self.kind, self.clean) = (step, kind, clean)
  }

  mutating func setPerturbed(
    _ measurement: Measurement, drops: [Measurement.Figure], _ perturbation: AppliedPerturbation
  ) {
    perturbed = Perturbed(measurement: measurement, drops: drops, perturbation: perturbation)
  }
}

extension EvaluationReport: Encodable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(_ name: String) { stringValue = name }
    init(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
  }

  func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: Key.self)
    try object.encode(step, forKey: Key("step"))
    try object.encode(kind, forKey: Key("kind"))
    try Self.encode(perturbed?.measurement ?? clean, to: &object)
    guard let perturbed else { return }
    try object.encode(perturbed.perturbation.kind.name, forKey: Key("perturbation"))
    try object.encode(perturbed.perturbation.seed, forKey: Key("perturbation_seed"))
    var unperturbed = object.nestedContainer(keyedBy: Key.self, forKey: Key("unperturbed"))
    try Self.encode(clean, to: &unperturbed)
    var drop = object.nestedContainer(keyedBy: Key.self, forKey: Key("relative_drop"))
    try Self.encode(perturbed.drops, to: &drop)
  }

  private static func encode(
    _ measurement: Measurement, to object: inout KeyedEncodingContainer<Key>
  ) throws {
    try object.encode(measurement.units, forKey: Key("units"))
    for count in measurement.counts { try object.encode(count.value, forKey: Key(count.name)) }
    try encode(measurement.figures, to: &object)
  }

  /// What is no number, and the interval of too few units, is null.
  private static func encode(
    _ figures: [Measurement.Figure], to object: inout KeyedEncodingContainer<Key>
  ) throws {
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

extension EvaluationReport {
  func show() {
    print("step \(step)")
    TextTable.show(rows)
    let counts = clean.counts.map { "\(Amount.grouped($0.value)) \(Self.spoken($0.name))" }
    print(
      "  over \(Amount.grouped(clean.units)) \(kind == "text" ? "documents" : "questions"): "
        + counts.joined(separator: ", "))
  }

  private var rows: [[String]] {
    guard let perturbed else {
      return [["", "", "95 % interval"]] + clean.figures.map { [Self.spoken($0.name)] + Self.cells($0) }
    }
    let heading = ["", "unperturbed", "", perturbed.perturbation.kind.name, "", "relative drop", ""]
    return [heading]
      + clean.figures.indices.map { index in
        let drop = perturbed.drops[index]
        return [Self.spoken(drop.name)] + Self.cells(clean.figures[index])
          + Self.cells(perturbed.measurement.figures[index]) + Self.cells(drop, percent: true)
      }
  }

  private static func spoken(_ name: String) -> String {
    name.replacing("_", with: " ")
  }

  private static func cells(_ figure: Measurement.Figure, percent: Bool = false) -> [String] {
    let isShare = percent || figure.name.contains("accuracy") || figure.name == "preference"
    func text(_ value: Double) -> String {
      isShare ? Amount.fixed(100 * value, 2) + "%" : Amount.fixed(value, 4)
    }
    return [
      figure.value.isFinite ? text(figure.value) : "none",
      figure.interval.map { "\(text($0.lowerBound)) to \(text($0.upperBound))" } ?? "none",
    ]
  }
}
