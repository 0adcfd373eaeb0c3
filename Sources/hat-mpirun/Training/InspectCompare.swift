import ArgumentParser
import HATCore
import HATDistributed
import HATStorage
import HATTerminal

struct InspectCompare: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract:
      "Compare runs: how far they are, which settings differ, and when one reaches the level of another.",
    discussion: """
      Levels are bits per byte of held-out text; where not every run has evaluations, those of the text trained on. Between two \
      points of a curve a level is interpolated.
      """)

  @Argument(help: ArgumentHelp("The runs, two or more.", valueName: "RUN"))
  var runs: [String]

  @Option(help: "What they are compared over: steps, bytes of text, hours of training, or FLOPs.")
  var over: CurveAxis = .bytes

  @OptionGroup
  var output: ChartOptions

  func validate() throws {
    guard runs.count > 1 else { throw ValidationError("Name at least two runs; inspect run shows one.") }
  }

  func run() throws {
    try output.check()
    let comparison = try RunComparison(runs.map { try RunReport(reading: $0) }, over: over)
    let chart = LineChart(
      title: comparison.measure == .heldOut
        ? "bits per byte of held-out text" : "bits per byte of the text trained on",
      axis: over.title,
      zip(comparison.runs, comparison.curves).map {
        LineChart.Curve($0.run, RunChart.points($1), isMarked: true)
      })
    try output.write(chart, of: runs[0])
    if output.json { return try JSONOutput.print(comparison) }
    show(comparison, chart)
  }

  private func show(_ comparison: RunComparison, _ chart: LineChart?) {
    let letters = comparison.runs.indices.map { String(UnicodeScalar(UInt8(ascii: "a") + UInt8($0 % 26))) }
    TextTable.show(ends(comparison, letters), [.left, .left, .right])
    if !comparison.differences.isEmpty {
      print("\nsettings that differ")
      TextTable.show(
        [["", ""] + letters] + comparison.differences.map { [$0.setting, ""] + $0.values },
        [.left, .left, .right])
    }
    if !comparison.levels.isEmpty {
      print("\n\(over.title) to the last level of each (– not reached)")
      TextTable.show(levels(comparison, letters), [.left, .right])
    }
    if let chart {
      print()
      for line in chart.lines(width: Terminal.outputWidth) { print(line) }
    }
    for note in comparison.notes { Terminal.note("note: \(note)") }
  }

  private func ends(_ comparison: RunComparison, _ letters: [String]) -> [[String]] {
    [["", "", "step", "text", "time", "FLOPs", "speed", "held out", "training"]]
      + zip(letters, comparison.runs).map { letter, run in
        let cost = run.totals.cost
        return [
          letter, run.run, Amount.grouped(run.step), Amount.bytes(cost.bytes), Amount.duration(cost.seconds),
          Amount.exponential(cost.flops), run.totals.bytesPerSecond.map { "\(Amount.bytes($0))/s" } ?? "",
          bits(run.evaluations.last?.line.bitsPerByte), bits(run.totals.lastBitsPerByte),
        ]
      }
  }

  private func levels(_ comparison: RunComparison, _ letters: [String]) -> [[String]] {
    let names = Dictionary(zip(comparison.runs.map(\.run), letters)) { first, _ in first }
    return [["level of"] + ["bits per byte"] + letters]
      + comparison.levels.map { level in
        [names[level.run] ?? level.run, bits(level.bitsPerByte)]
          + level.reached.map { $0.map(over.text) ?? "–" }
      }
  }

  private func bits(_ value: Double?) -> String { value.map { Amount.fixed($0, 3) } ?? "" }
}
