import Foundation

/// Curves over an axis that is logarithmic, as learning is.
package struct LineChart: Sendable {
  package struct Point: Sendable, Equatable {
    package var x, y: Double

    package init(_ x: Double, _ y: Double) { (self.x, self.y) = (x, y) }
  }

  package struct Curve: Sendable {
    package var name: String
    /// In ascending order of x.
    package var points: [Point]
    /// Whether its points are few, and worth a mark each.
    package var isMarked: Bool

    package init(_ name: String, _ points: [Point], isMarked: Bool = false) {
      (self.name, self.points, self.isMarked) = (name, points, isMarked)
    }
  }

  /// What the vertical axis shows.
  package var title: String
  /// What the horizontal axis shows.
  package var axis: String
  /// With their points in the window.
  package private(set) var curves: [Curve]
  let x: Scale
  let y: Scale

  /// Where a chart begins, as a fraction of where it ends: before, everything falls, and what follows would be flat.
  private static let begin = 1.0 / 30

  /// - Returns: nil where there is nothing to draw.
  package init?(title: String, axis: String, _ curves: [Curve]) {
    let drawable = curves.map { curve in
      Curve(curve.name, curve.points.filter { $0.x > 0 && abs($0.y) < 1e300 }, isMarked: curve.isMarked)
    }
    let places = drawable.flatMap { $0.points.map(\.x) }
    guard let last = places.max(), let first = places.min() else { return nil }
    let start = max(first, last * Self.begin)
    self.curves = drawable.map { curve in
      Curve(curve.name, curve.points.filter { $0.x >= start }, isMarked: curve.isMarked)
    }
    let values = self.curves.flatMap { $0.points.map(\.y) }
    (self.title, self.axis) = (title, axis)
    x = Scale(logarithmic: start, last)
    y = Scale(linear: values.min()!, values.max()!)
  }
}

/// From values to places on an axis, 0 to 1.
struct Scale: Sendable {
  let low, high: Double
  private let isLogarithmic: Bool

  /// - Parameters: both above 0.
  init(logarithmic low: Double, _ high: Double) {
    isLogarithmic = true
    (self.low, self.high) = high > low ? (low, high) : (low / 2, low * 2)
  }

  /// With a little room on both sides.
  init(linear low: Double, _ high: Double) {
    isLogarithmic = false
    // Values that differ in their last digits only would have ticks that do not differ at all.
    let size = max(abs(low), abs(high), 1)
    let room = high > low ? max(0.04 * (high - low), 1e-9 * size) : size * 0.1
    (self.low, self.high) = (low - room, high + room)
  }

  func place(_ value: Double) -> Double {
    isLogarithmic ? log(value / low) / log(high / low) : (value - low) / (high - low)
  }

  /// Round numbers on the axis.
  /// - Parameter count: about how many.
  func ticks(_ count: Int) -> [Double] { isLogarithmic ? logarithmicTicks(count) : linearTicks(count) }

  private func linearTicks(_ count: Int) -> [Double] {
    let step = Self.round((high - low) / Double(max(1, count)))
    let first = Int((low / step).rounded(.up))
    let last = Int((high / step).rounded(.down))
    return first <= last ? (first...last).map { Double($0) * step } : []
  }

  /// 1, 2 and 5 times powers of ten; the powers alone where that is too many; steps of equal size over less than a decade.
  private func logarithmicTicks(_ count: Int) -> [Double] {
    let powers = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
    let within = (low * (1 - 1e-9))...(high * (1 + 1e-9))
    let candidates = [[1.0, 2, 5], [1.0]].map { digits in
      powers.flatMap { power in digits.map { $0 * pow(10, Double(power)) } }.filter(within.contains)
    }
    if candidates[0].count < 2 { return linearTicks(count).filter { $0 > 0 } }
    return candidates[0].count <= 2 * count ? candidates[0] : candidates[1]
  }

  /// The next of 1, 2 and 5 times a power of ten.
  private static func round(_ value: Double) -> Double {
    let power = pow(10, log10(value).rounded(.down))
    return power * ([1.0, 2, 5].first { $0 * power >= value * (1 - 1e-9) } ?? 10)
  }

  /// The labels of an axis: with equally many decimals where it is linear, each with its unit (k, M) where it is logarithmic.
  func labels(_ ticks: [Double]) -> [String] {
    if isLogarithmic { return ticks.map(Self.short) }
    let step = ticks.count > 1 ? ticks[1] - ticks[0] : max(abs(ticks.first ?? 1), 1e-9)
    let decimals = max(0, Int((-log10(step) - 1e-9).rounded(.up)))
    return ticks.map { Amount.fixed($0, decimals) }
  }

  /// Such as `20 M`, `0.5` or `2e15`.
  static func short(_ value: Double) -> String {
    if value >= 1e15 || value < 1e-3 { return trimmed(String(format: "%.0e", value)) }
    var (value, units) = (value, ["", " k", " M", " G", " T"][...])
    while value >= 999.5 && units.count > 1 {
      value /= 1000
      units = units.dropFirst()
    }
    return String(format: "%.4g", value) + units.first!
  }

  private static func trimmed(_ exponential: String) -> String {
    exponential.replacing("e+0", with: "e").replacing("e+", with: "e").replacing("e-0", with: "e-")
  }
}
