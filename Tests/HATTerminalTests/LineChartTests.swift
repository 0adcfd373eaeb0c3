import Foundation
import Testing

@testable import HATTerminal

@Suite struct LineChartTests {
  private static let falling = (1...100).map { LineChart.Point(Double($0) * 1e5, 2 + 3 / Double($0)) }

  private func chart(_ curves: LineChart.Curve...) -> LineChart {
    LineChart(title: "bits per byte", axis: "bytes of text", curves)!
  }

  @Test(arguments: [20, 40, 80, 200]) func everyLineFits(width: Int) {
    let marked = LineChart.Curve("held-out <text>", [.init(5e6, 2.4), .init(1e7, 2.1)], isMarked: true)
    let lines = chart(.init("training", Self.falling), marked).lines(width: width)
    #expect(lines.allSatisfy { $0.count <= max(width, 30) }, "\(lines.joined(separator: "\n"))")
    #expect(lines.filter { $0.contains("┤") || $0.contains("│") }.count == 14)
    #expect(lines.contains { $0.contains("o") } && lines.last!.contains("o held-out"))
  }

  /// From the upper left to the lower right.
  @Test func aFallingCurveFalls() {
    let rows = chart(.init("training", Self.falling)).lines(width: 60).filter {
      $0.contains("┤") || $0.contains("│")
    }
    func firstDot(_ row: String) -> Int? {
      Array(row.drop { $0 != "┤" && $0 != "│" }.dropFirst()).firstIndex { $0 != " " }
    }
    let places = rows.compactMap(firstDot)
    // The axis begins at 1/30 of 1e7, and the curve at 4e5: at log(1.2) of log(30).
    #expect(
      places.count > 8 && places == places.sorted() && places.first == 3 && places.last! > 20, "\(rows)")
  }

  @Test func theFirstThirtiethIsLeftOut() {
    let chart = chart(.init("training", Self.falling))
    #expect(chart.curves[0].points.first == LineChart.Point(4e5, 2.75))
    #expect(chart.x.high == 1e7 && chart.y.high < 3)
  }

  @Test func ticksAreRound() {
    #expect(Scale(logarithmic: 3e5, 1e7).ticks(6) == [5e5, 1e6, 2e6, 5e6, 1e7])
    #expect(Scale(logarithmic: 1, 1e9).ticks(5).allSatisfy { log10($0) == log10($0).rounded() })
    #expect(Scale(logarithmic: 40, 90).ticks(5) == [40, 50, 60, 70, 80, 90])
    let linear = Scale(linear: 2, 2.75)
    #expect(linear.labels(linear.ticks(5)) == ["2.0", "2.2", "2.4", "2.6"])
    #expect(
      [5e5, 1e7, 0.05, 2e15, 3e-4, 999].map(Scale.short) == ["500 k", "10 M", "0.05", "2e15", "3e-4", "999"])
  }

  /// A learning rate near 0 and a batch that comes again.
  @Test(arguments: [5.0, -5, 0, 1e-300, 1e299])
  func valuesThatHardlyDifferHaveTicks(value: Double) {
    let points = [LineChart.Point(1, value), LineChart.Point(2, value.nextUp)]
    let chart = chart(.init("training", points))
    let ticks = chart.y.ticks(5)
    #expect(Set(ticks).count == ticks.count && chart.y.labels(ticks).count == ticks.count)
    #expect(chart.lines(width: 60).count > 14 && !chart.svg.contains("nan"))
  }

  @Test func nothingToDrawIsNoChart() {
    #expect(LineChart(title: "", axis: "", []) == nil)
    #expect(
      LineChart(
        title: "", axis: "", [.init("a", [.init(0, 1), .init(1, .nan), .init(2, .greatestFiniteMagnitude)])])
        == nil)
    #expect(chart(.init("a", [.init(3, 1)])).lines(width: 40).count > 14)
  }

  @Test func thePictureIsXMLWithItsNumbers() throws {
    let marked = LineChart.Curve("a <b> & c", [.init(5e6, 2.4), .init(1e7, 2.1)], isMarked: true)
    let svg = chart(.init("training", Self.falling), marked).svg
    let elements = svg.matches(of: /<(\/?)([a-z]+)[^>]*?(\/?)>/)
    var open: [Substring] = []
    for element in elements {
      if element.1 == "/" {
        #expect(open.popLast() == element.2)
      } else if element.3.isEmpty {
        open.append(element.2)
      }
    }
    #expect(open.isEmpty)
    #expect(svg.contains("a &lt;b&gt; &amp; c: 2.100 at 10 M") && !svg.contains("nan"))
    #expect(svg.contains("prefers-color-scheme:dark"))
    for curve in 0...1 { #expect(svg.contains("class=\"curve c\(curve)\"")) }
  }
}
