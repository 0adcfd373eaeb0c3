import Foundation

extension LineChart {
  /// The chart as a document of SVG, for light and dark pages. Curves differ in colour, of Okabe and Ito (2008), and in their dashes.
  package var svg: String { SVGChart(self).text }
}

private struct SVGChart {
  private let chart: LineChart
  private let legend: [LegendEntry]
  private let top: Double
  private let height: Double

  private static let width = 760.0
  private static let (left, right, bottom) = (64.0, 20.0, 52.0)
  private static let plotHeight = 330.0
  private static let lineHeight = 20.0
  /// Of a character of the legend, about.
  private static let characterWidth = 7.0
  private static let dashes = ["", "7 3", "2 3", "10 3 2 3"]
  private static let light = ["#0072b2", "#d55e00", "#00795a", "#a6447f", "#7a6200", "#33689e", "#1d2a35"]
  private static let dark = ["#56b4e9", "#f08a4b", "#2fbf95", "#e08fc0", "#f0e442", "#9db8ff", "#e6edf3"]

  private struct LegendEntry {
    let curve: Int
    let x, y: Double
  }

  init(_ chart: LineChart) {
    self.chart = chart
    legend = Self.legend(chart)
    top = (legend.last?.y ?? 28) + 24
    height = top + Self.plotHeight + Self.bottom
  }

  /// Entries side by side, as many as a line has room for; none for a single curve.
  private static func legend(_ chart: LineChart) -> [LegendEntry] {
    guard chart.curves.count > 1 else { return [] }
    var (entries, x, y) = ([LegendEntry](), left, 50.0)
    for (number, curve) in chart.curves.enumerated() {
      let width = 40 + characterWidth * Double(curve.name.count)
      if x > left && x + width > Self.width - right { (x, y) = (left, y + lineHeight) }
      entries.append(LegendEntry(curve: number, x: x, y: y))
      x += width + 14
    }
    return entries
  }

  var text: String {
    ([
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(number(Self.width)) \(number(height))\" "
        + "width=\"\(number(Self.width))\" height=\"\(number(height))\" role=\"img\">",
      "<title>\(escaped("\(chart.title) over \(chart.axis)"))</title>", style,
      "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>",
      "<text class=\"title\" x=\"16\" y=\"24\">\(escaped(chart.title))</text>",
    ] + legend.map(line) + horizontalLines + verticalLabels + chart.curves.indices.map(curve) + ["</svg>"])
    .joined(separator: "\n") + "\n"
  }

  private var style: String {
    func colours(_ colours: [String]) -> String {
      colours.enumerated().map { ".c\($0){stroke:\($1)} .m\($0){fill:\($1)}" }.joined(separator: " ")
    }
    return """
      <style>
      text{font:13px system-ui,'DejaVu Sans',sans-serif;fill:#4b5864} .title,.name{fill:#1d2a35} .title{font-weight:600}
      .paper{fill:#ffffff} .grid{stroke:#e1e6eb} .axis{stroke:#4b5864} .curve{fill:none;stroke-width:2;stroke-linejoin:round}
      \(colours(Self.light))
      @media (prefers-color-scheme:dark){
      text{fill:#a9b6c2} .title,.name{fill:#e6edf3} .paper{fill:#12181f} .grid{stroke:#27323d} .axis{stroke:#a9b6c2}
      \(colours(Self.dark))
      }
      </style>
      """
  }

  private func line(_ entry: LegendEntry) -> String {
    "<path class=\"curve c\(colour(entry.curve))\"\(dash(entry.curve)) d=\"M\(number(entry.x)) \(number(entry.y - 4))h26\"/>"
      + "<text class=\"name\" x=\"\(number(entry.x + 32))\" y=\"\(number(entry.y))\">"
      + "\(escaped(chart.curves[entry.curve].name))</text>"
  }

  private var horizontalLines: [String] {
    let ticks = chart.y.ticks(6)
    return zip(ticks, chart.y.labels(ticks)).map { tick, label in
      let y = number(vertical(tick))
      return "<path class=\"grid\" d=\"M\(number(Self.left)) \(y)H\(number(Self.width - Self.right))\"/>"
        + "<text x=\"\(number(Self.left - 8))\" y=\"\(y)\" dy=\"0.35em\" text-anchor=\"end\">\(label)</text>"
    }
  }

  private var verticalLabels: [String] {
    let (ticks, y) = (chart.x.ticks(6), top + Self.plotHeight)
    return [
      "<path class=\"axis\" d=\"M\(number(Self.left)) \(number(y))H\(number(Self.width - Self.right))\"/>",
      "<text x=\"\(number(Self.width - Self.right))\" y=\"\(number(y + 42))\" text-anchor=\"end\">\(escaped(chart.axis))</text>",
    ]
      + zip(ticks, chart.x.labels(ticks)).map { tick, label in
        "<path class=\"axis\" d=\"M\(number(horizontal(tick))) \(number(y))v5\"/>"
          + "<text x=\"\(number(horizontal(tick)))\" y=\"\(number(y + 21))\" text-anchor=\"middle\">\(label)</text>"
      }
  }

  private func curve(_ number: Int) -> String {
    let curve = chart.curves[number]
    guard !curve.points.isEmpty else { return "" }
    let path = curve.points.enumerated().map { index, point in
      "\(index == 0 ? "M" : "L")\(self.number(horizontal(point.x))) \(self.number(vertical(point.y)))"
    }.joined()
    return "<path class=\"curve c\(colour(number))\"\(dash(number)) d=\"\(path)\"/>" + marks(curve, number)
  }

  /// Points that say what they are when they are pointed at.
  private func marks(_ curve: LineChart.Curve, _ number: Int) -> String {
    guard curve.isMarked || curve.points.count == 1 else { return "" }
    return curve.points.map { point in
      "<circle class=\"m\(colour(number))\" cx=\"\(self.number(horizontal(point.x)))\" "
        + "cy=\"\(self.number(vertical(point.y)))\" r=\"3\"><title>"
        + escaped("\(curve.name): \(Amount.fixed(point.y, 3)) at \(Scale.short(point.x))")
        + "</title></circle>"
    }.joined()
  }

  private func colour(_ curve: Int) -> Int { curve % Self.light.count }

  private func dash(_ curve: Int) -> String {
    let dash = Self.dashes[curve % Self.dashes.count]
    return dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\""
  }

  private func horizontal(_ value: Double) -> Double {
    Self.left + chart.x.place(value) * (Self.width - Self.left - Self.right)
  }

  private func vertical(_ value: Double) -> Double { top + (1 - chart.y.place(value)) * Self.plotHeight }

  private func number(_ value: Double) -> String {
    value == value.rounded() ? "\(Int(value))" : Amount.fixed(value, 1)
  }

  private func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
