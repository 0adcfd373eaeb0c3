import HATDistributed

/// What `benchmark scaling` found on this machine.
struct ScalingReport {
  let points: [ScalingPoint]
  private let sums: [ReductionModel.Point]
  /// nil where there was but one rank.
  let model: ReductionModel?

  init(points: [ScalingPoint], sums: [ReductionModel.Point]) {
    self.points = points
    self.sums = sums
    model = sums.isEmpty ? nil : ReductionModel(fitting: sums)
  }

  /// Floating-point operations a second of one rank while it computes, when all do.
  var computeRate: Double {
    let point = points.last { $0.mode == .weak }!
    return point.modelFlopsPerSecond / Double(point.ranks) * point.stepSeconds / point.phases["compute"]!
  }

  func show(json: Bool) throws {
    if json {
      for point in points { try JSONOutput.print(point) }
      if let model { try JSONOutput.print(Fit(model, sums)) }
      return
    }
    print("milliseconds a step")
    TextTable.show(
      [["", "ranks", "step", "efficiency"] + ScalingPoint.phases.map { $0.replacing("_", with: " ") }]
        + points.map { point in
          [
            point.mode.rawValue, "\(point.ranks)", Amount.fixed(1000 * point.stepSeconds, 1),
            Amount.fixed(100 * point.efficiency, 1) + "%",
          ] + ScalingPoint.phases.map { Amount.fixed(1000 * point.phases[$0]!, 1) }
        })
    guard let model else { return }
    let fit = Fit(model, sums)
    print(
      "sum and update in a node's memory: \(Amount.fixed(1e6 * fit.latencySeconds, 1)) µs and "
        + "\(Amount.bytes(Int(fit.bytesPerSecond)))/s a rank; off by \(Amount.fixed(100 * fit.meanError, 0))% on "
        + "average, \(Amount.fixed(100 * fit.largestError, 0))% at most, over \(sums.count) measured points")
  }

  private struct Fit: Encodable {
    var latencySeconds: Double
    var bytesPerSecond: Double
    var meanError: Double
    var largestError: Double

    init(_ model: ReductionModel, _ points: [ReductionModel.Point]) {
      let errors = model.errors(on: points)
      latencySeconds = model.latency
      bytesPerSecond = model.bandwidth
      meanError = errors.reduce(0, +) / Double(errors.count)
      largestError = errors.max()!
    }
  }
}
