import ArgumentParser
import HATCore
import HATDistributed
import HATStorage
import HATTerminal
import SystemPackage

struct InspectRun: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Show how a run has gone so far: progress, speed, curve, evaluations, faults.",
    discussion: """
      Reads the files in the folder of the run, which may be training meanwhile. Lines that cannot be read are left out, and \
      counted. The curve is that of the text trained on; each of its points is the mean of equally many steps.
      """)

  @Argument(help: ArgumentHelp("The run.", valueName: "RUN"))
  var folder: String

  @Option(help: "What the chart is over: steps, bytes of text, hours of training, or FLOPs.")
  var over: CurveAxis = .bytes

  @Option(help: "The most points of the curve that `--json` and `--svg` give.")
  var points = RunReport.usualPoints

  @OptionGroup
  var output: ChartOptions

  func validate() throws { try OptionLimits(2...10_000_000).check("--points", points) }

  func run() throws {
    try output.check()
    let report = try RunReport(reading: folder, points: points)
    let chart = RunChart.chart(of: report, over: over)
    try output.write(chart, of: folder)
    if output.json { return try JSONOutput.print(report) }
    show(report, chart)
  }

  private func show(_ report: RunReport, _ chart: LineChart?) {
    print(
      "\(report.run): step \(Amount.grouped(report.step)) of \(Amount.grouped(report.steps)), \(report.state.rawValue)"
    )
    TextTable.show(RunSummary(report).rows, [.left])
    if let chart {
      print()
      for line in chart.lines(width: Terminal.outputWidth) { print(line) }
    }
    if !report.evaluations.isEmpty {
      print("\nheld-out text")
      TextTable.show(RunSummary.evaluations(report), [.right])
    }
    for note in report.notes { Terminal.note("note: \(note)") }
  }
}

extension CurveAxis: ExpressibleByArgument {
  /// What a chart calls it.
  var title: String {
    switch self {
    case .steps: "steps"
    case .bytes: "bytes of text"
    case .hours: "hours"
    case .flops: "FLOPs"
    }
  }

  /// A place on it, for people.
  func text(_ position: Double) -> String {
    switch self {
    case .steps: Amount.grouped(Int(position.rounded()))
    case .bytes: Amount.bytes(position)
    case .hours: Amount.duration(position * 3600)
    case .flops: Amount.exponential(position)
    }
  }
}

/// Where results of a run go.
struct ChartOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Also write the chart to this file.", valueName: "FILE.svg"))
  var svg: String?

  @Flag(help: "Print one JSON object.")
  var json = false

  /// - Throws: `UserError` of kind `cannotWrite` for what cannot become a file.
  func check() throws {
    if let svg { try DurableFile.requireFile(at: FilePath(svg)) }
  }

  /// - Throws: `UserError`: `cannotWrite`; `missingInput` where there is nothing to draw.
  func write(_ chart: LineChart?, of run: String) throws {
    guard let svg else { return }
    guard let chart else {
      throw UserError(
        .missingInput, at: run, "there is no step yet that a chart could show",
        hint: "Leave out --svg until there is.")
    }
    try DurableFile.write(Array(chart.svg.utf8), to: FilePath(svg))
  }
}

enum RunChart {
  static func chart(of report: RunReport, over axis: CurveAxis) -> LineChart? {
    LineChart(
      title: "bits per byte", axis: axis.title,
      [
        LineChart.Curve("of the text trained on", points(report.points(of: .training, over: axis))),
        LineChart.Curve("of held-out text", points(report.points(of: .heldOut, over: axis)), isMarked: true),
      ].filter { !$0.points.isEmpty })
  }

  static func points(_ points: [RunComparison.Point]) -> [LineChart.Point] {
    points.map { LineChart.Point($0.position, $0.bitsPerByte) }
  }
}

/// A run in words.
struct RunSummary {
  private let report: RunReport
  /// Evaluations shown.
  private static let shownEvaluations = 10

  init(_ report: RunReport) { self.report = report }

  var rows: [[String]] {
    [
      ["model", "\(report.kind), \(Amount.large(Double(report.parameters))) parameters"],
      ["data", data],
      ["text", "\(Amount.bytes(report.totals.cost.bytes)), \(Amount.large(report.totals.cost.flops))FLOP"],
      ["time", time],
      ["speed", speed], ["now", now], ["ranks", ranks], ["starts", starts], ["faults", faults],
    ].filter { !$0[1].isEmpty }
  }

  private var data: String {
    report.corpora.map { corpus in
      report.corpora.count > 1
        ? "\(corpus.folder) (\(Amount.fixed(100 * corpus.weight, 0)) %)" : corpus.folder
    }.joined(separator: ", ")
  }

  private var time: String {
    guard report.totals.loggedSteps > 0 else { return "" }
    var text = "\(Amount.duration(report.totals.cost.seconds)) in steps"
    if report.state != .finished, let seconds = report.totals.lastStepSeconds {
      text += ", \(Amount.duration(seconds * Double(report.steps - report.step))) to go"
    }
    if let changed = report.changed { text += "; last step \(changed)" }
    return text
  }

  private var speed: String {
    guard let bytes = report.totals.bytesPerSecond, let flops = report.totals.flopsPerSecond else {
      return ""
    }
    var text = "\(Amount.bytes(bytes))/s, \(Amount.large(flops))FLOP/s"
    let waits = [
      ("data", report.totals.dataWaitSeconds), ("checkpoints", report.totals.checkpointStallSeconds),
    ].filter { $0.1 > 0.01 * report.totals.cost.seconds }
    text += waits.map { ", waited \(Amount.duration($0.1)) for \($0.0)" }.joined()
    return text
  }

  private var now: String {
    guard let bits = report.totals.lastBitsPerByte else { return "" }
    return "\(Amount.fixed(bits, 3)) bits per byte of the text of the last steps"
  }

  private var ranks: String {
    [
      report.ranks.map { "\($0)" }, report.products.map { "products by \($0)" },
      report.codeVersion.map { "hat \($0)" },
    ]
    .compactMap(\.self).joined(separator: ", ")
  }

  private var starts: String {
    guard let last = report.starts.last else { return "" }
    let lost = report.starts.reduce(0) { $0 + $1.lostSteps }
    return "\(report.starts.count), the last at step \(last.step) (\(last.time) on \(last.host))"
      + (lost > 0 ? "; \(Amount.counted(lost, "step")) done again" : "")
  }

  private var faults: String {
    var faults: [String] = []
    if !report.skipped.isEmpty {
      faults.append("\(Amount.counted(report.skipped.count, "step")) skipped (skipped.jsonl)")
    }
    faults += report.hangs.map { "hung (\($0))" }
    return faults.isEmpty ? "none" : faults.joined(separator: ", ")
  }

  /// The last, and others at equal distances.
  static func evaluations(_ report: RunReport) -> [[String]] {
    let all = report.evaluations
    let distance = max(1, (all.count + shownEvaluations - 1) / shownEvaluations)
    let shown = all.indices.filter { (all.count - 1 - $0) % distance == 0 }.map { all[$0] }
    let best = all.compactMap(\.line.bitsPerByte).min()
    return [["step", "text", "bits per byte", "bytes right", "words right", ""]]
      + shown.map { point in
        [
          Amount.grouped(point.step), Amount.bytes(point.cost.bytes),
          point.line.bitsPerByte.map { Amount.fixed($0, 3) } ?? "not finite",
          percent(point.line.byteAccuracy), percent(point.line.wordAccuracy),
          best != nil && point.line.bitsPerByte == best ? "best" : "",
        ]
      }
  }

  private static func percent(_ share: Double?) -> String {
    share.map { "\(Amount.fixed(100 * $0, 1)) %" } ?? ""
  }
}
