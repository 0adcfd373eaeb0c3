import HATText

/// How far figures depend on which documents or questions happened to be measured (Efron's percentile bootstrap):
/// the units are drawn anew, as many as there are and with replacement, and the figures worked out again from the
/// sums of each draw.
enum Bootstrap {
  static let resamples = 1000
  private static let coverage = 0.95
  private static let seed: UInt64 = 1

  /// The interval that holds each measure of the units' sum in 95 % of the draws; nil for less than two units, and for
  /// a measure that is no number in some draw. The same units always give the same intervals.
  static func intervals<Unit: Tally>(of units: [Unit]) -> [ClosedRange<Double>?] {
    let measures = Unit().measures.count
    guard units.count > 1 else { return Array(repeating: nil, count: measures) }
    var random = RandomSource(keys: seed)
    var values = Array(repeating: [Double](), count: measures)
    for _ in 0..<resamples {
      var sum = Unit()
      for _ in units { sum = sum + units[random.next(below: units.count)] }
      for (index, measure) in sum.measures.enumerated() { values[index].append(measure.value) }
    }
    return values.map(middle)
  }

  private static func middle(_ values: [Double]) -> ClosedRange<Double>? {
    guard values.allSatisfy(\.isFinite) else { return nil }
    let sorted = values.sorted()
    let outside = Int((Double(sorted.count) * (1 - coverage) / 2).rounded())
    return sorted[outside]...sorted[sorted.count - 1 - outside]
  }
}
