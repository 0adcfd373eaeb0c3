import HATCore

/// The horizontal axis of a comparison.
package enum CurveAxis: String, CaseIterable, Sendable, Encodable {
  case steps, bytes, hours, flops

  package func position(step: Int, _ cost: TrainingCost) -> Double {
    switch self {
    case .steps: Double(step)
    case .bytes: Double(cost.bytes)
    case .hours: cost.seconds / 3600
    case .flops: cost.flops
    }
  }
}

/// Several runs side by side: where their settings differ, and where one reaches the level of another.
package struct RunComparison: Encodable, Sendable {
  /// Which bits per byte are compared.
  package enum Measure: String, Encodable, Sendable {
    case heldOut = "held_out"
    /// Where a run has no evaluation that is finite.
    case training
  }

  /// A setting, with the value of each run.
  package struct Difference: Encodable, Sendable, Equatable {
    package var setting: String
    package var values: [String]
  }

  /// The last level of a run, and where each run first reaches it; nil for one that never does.
  package struct Level: Encodable, Sendable, Equatable {
    package var run: String
    package var bitsPerByte: Double
    package var reached: [Double?]
  }

  package struct Point: Encodable, Sendable, Equatable {
    package var position: Double
    package var bitsPerByte: Double
  }

  package var over: CurveAxis
  package var measure: Measure
  package var differences: [Difference]
  package var levels: [Level]
  package var notes: [String]
  package var runs: [RunReport]
  /// Of each run, in order of positions.
  package var curves: [[Point]]

  private enum CodingKeys: CodingKey {
    case over, measure, differences, levels, notes, runs
  }

  /// - Parameter runs: at least two.
  package init(_ runs: [RunReport], over: CurveAxis) throws {
    (self.runs, self.over) = (runs, over)
    let measure: Measure =
      runs.allSatisfy { !$0.points(of: .heldOut, over: over).isEmpty } ? .heldOut : .training
    self.measure = measure
    curves = runs.map { $0.points(of: measure, over: over) }
    differences = try Self.differences(runs)
    let ends = zip(runs, curves).compactMap { run, curve in curve.last.map { (run.run, $0.bitsPerByte) } }
    levels = ends.map { [curves] name, level in
      Level(run: name, bitsPerByte: level, reached: curves.map { Self.reached($0, level) })
    }
    notes = Self.notes(runs, measure)
  }

  private static func differences(_ runs: [RunReport]) throws -> [Difference] {
    let configurations = try runs.map { try Configuration(yaml: $0.configuration, at: $0.run) }
    return configurations[0].settings.compactMap { setting in
      let values = configurations.map { $0.value(of: setting) }
      return Set(values).count > 1 ? Difference(setting: setting, values: values) : nil
    }
  }

  private static func notes(_ runs: [RunReport], _ measure: Measure) -> [String] {
    var notes: [String] = []
    if measure == .training {
      notes.append(
        "not every run has evaluations that are finite: the curves are of the text they were trained on")
    } else if Set(runs.map { $0.evaluations.last?.line.textBytes }).count > 1 {
      notes.append("the runs were measured on different amounts of held-out text")
    }
    if Set(runs.compactMap(\.dataFingerprint)).count > 1 {
      notes.append("the runs were trained on different data")
    }
    return notes + runs.flatMap(\.notes)
  }

  /// Where a curve first gets this low, interpolated between two points; nil if it never does.
  static func reached(_ curve: [Point], _ level: Double) -> Double? {
    guard let index = curve.firstIndex(where: { $0.bitsPerByte <= level }) else { return nil }
    guard index > 0 else { return curve[0].position }
    let (before, after) = (curve[index - 1], curve[index])
    let part = (before.bitsPerByte - level) / (before.bitsPerByte - after.bitsPerByte)
    return before.position + part * (after.position - before.position)
  }
}

extension RunReport {
  package func points(of measure: RunComparison.Measure, over axis: CurveAxis) -> [RunComparison.Point] {
    switch measure {
    case .heldOut:
      evaluations.compactMap { point in
        point.line.bitsPerByte.map {
          RunComparison.Point(position: axis.position(step: point.step, point.cost), bitsPerByte: $0)
        }
      }
    case .training:
      curve.compactMap { point in
        point.bitsPerByte.map {
          RunComparison.Point(position: axis.position(step: point.step, point.cost), bitsPerByte: $0)
        }
      }
    }
  }
}
