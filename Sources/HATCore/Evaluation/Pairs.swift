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

/// The same units measured with two models: by how much each measure of the first is more.
struct Difference<Unit: Tally>: Tally {
  var first = Unit()
  var second = Unit()

  static func + (one: Difference, other: Difference) -> Difference {
    Difference(first: one.first + other.first, second: one.second + other.second)
  }

  var measures: [Measure] {
    zip(first.measures, second.measures).map { Measure($0.name, $0.value - $1.value, better: $0.better) }
  }

  var counts: [Count] { [] }
}

/// The same units measured with two models: how many times as large the second's measures are.
struct Ratio<Unit: Tally>: Tally {
  var first = Unit()
  var second = Unit()

  static func + (one: Ratio, other: Ratio) -> Ratio {
    Ratio(first: one.first + other.first, second: one.second + other.second)
  }

  var measures: [Measure] {
    zip(first.measures, second.measures).map { Measure($0.name, $1.value / $0.value, better: .more) }
  }

  var counts: [Count] { [] }
}
