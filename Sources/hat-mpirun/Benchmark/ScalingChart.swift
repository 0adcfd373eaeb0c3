/// The measured points as a picture: one bar a point, its phases on top of each other, its efficiency above.
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
      \(text("milliseconds a step", x: 10, y: 20))
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
