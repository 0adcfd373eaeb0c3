import HATDistributed
import HATTerminal

/// One measured way of training.
struct ScalingPoint: Encodable {
  enum Mode: String, Encodable {
    /// The same work for every rank.
    case weak
    /// The same work in total.
    case strong
    /// Independent processes at the same time, each with a rank's share of the work.
    case apart
  }

  var mode: Mode
  var ranks: Int
  var nodes = 1
  /// The median of the measured steps.
  var stepSeconds: Double
  /// The time a perfect step would take, as a fraction of the measured one.
  var efficiency: Double
  /// Mean seconds per step on rank 0.
  var phases: [String: Double]
  /// Floating-point operations per second of all ranks, counted for the plain algorithm.
  var modelFlopsPerSecond: Double

  /// The phases of a step, in order.
  static let phases = ["data_wait", "compute", "wait", "reduction", "exchange", "update", "checkpoint_stall"]
}

/// What `benchmark scaling` found on this machine.
struct ScalingReport {
  let points: [ScalingPoint]
  private let sums: [ReductionModel.Point]
  /// nil where there was only one rank.
  let model: ReductionModel?

  init(points: [ScalingPoint], sums: [ReductionModel.Point]) {
    self.points = points
    self.sums = sums
    model = sums.isEmpty ? nil : ReductionModel(fitting: sums)
  }

  /// Floating-point operations per second of one rank while all compute.
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
    print("milliseconds per step")
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
        + "\(Amount.bytes(Int(fit.bytesPerSecond)))/s per rank; the fit is off by "
        + "\(Amount.fixed(100 * fit.meanError, 0))% on average and \(Amount.fixed(100 * fit.largestError, 0))% at most, "
        + "over \(sums.count) measured points")
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

/// The measured points as a chart in SVG: a bar for each point, its phases stacked, its efficiency above.
struct ScalingChart {
  private let points: [ScalingPoint]

  private static let (barWidth, gap, left, top, height) = (64.0, 28.0, 60.0, 40.0, 300.0)
  private static let colours = ["#8c6bb1", "#3182bd", "#de2d26", "#fd8d3c", "#fdd0a2", "#31a354", "#969696"]

  init(_ points: [ScalingPoint]) {
    self.points = points
  }

  private var tallest: Double { points.map(\.stepSeconds).max()! }
  private var right: Double { Self.left + Double(points.count) * (Self.barWidth + Self.gap) }
  private var bottom: Double { Self.top + Self.height }

  func svg() -> String {
    let width = right + 150
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(bottom + 50)" \
      font-family="sans-serif" font-size="12">
      <rect width="100%" height="100%" fill="white"/>
      \(text("milliseconds per step", x: 10, y: 20))
      \(axis())
      \(points.indices.map(bar).joined(separator: "\n"))
      \(legend())
      </svg>

      """
  }

  private func axis() -> String {
    (0...4).map { line in
      let seconds = tallest * Double(line) / 4
      let y = bottom - Self.height * Double(line) / 4
      return "<line x1=\"\(Self.left)\" x2=\"\(right)\" y1=\"\(y)\" y2=\"\(y)\" stroke=\"#dddddd\"/>"
        + text(Amount.fixed(1000 * seconds, 0), x: 10, y: y + 4)
    }.joined(separator: "\n")
  }

  private func bar(_ index: Int) -> String {
    let point = points[index]
    let x = Self.left + Self.gap / 2 + Double(index) * (Self.barWidth + Self.gap)
    var y = bottom
    let parts = zip(ScalingPoint.phases, Self.colours).map { phase, colour in
      let height = Self.height * point.phases[phase]! / tallest
      y -= height
      return
        "<rect x=\"\(x)\" y=\"\(y)\" width=\"\(Self.barWidth)\" height=\"\(height)\" fill=\"\(colour)\"/>"
    }
    return
      (parts + [
        text(Amount.fixed(100 * point.efficiency, 1) + "%", x: x + 10, y: y - 6),
        text("\(point.mode.rawValue) \(point.ranks)", x: x + 8, y: bottom + 18),
      ]).joined(separator: "\n")
  }

  private func legend() -> String {
    zip(ScalingPoint.phases, Self.colours).enumerated().map { number, entry in
      let y = Self.top + Double(number) * 20
      return "<rect x=\"\(right + 20)\" y=\"\(y)\" width=\"12\" height=\"12\" fill=\"\(entry.1)\"/>"
        + text(entry.0.replacing("_", with: " "), x: right + 38, y: y + 11)
    }.joined(separator: "\n")
  }

  private func text(_ text: String, x: Double, y: Double) -> String {
    "<text x=\"\(x)\" y=\"\(y)\">\(text)</text>"
  }
}
