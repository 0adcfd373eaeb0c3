import ArgumentParser
import Foundation
import HATCore
import HATDistributed
import HATStorage
import HATText
import SystemPackage

/// Training on more and more ranks, and what that says of a cluster.
struct BenchmarkScaling: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scaling",
    abstract: "Measure training on growing rank counts, and predict what a cluster would do.",
    discussion: """
      Runs `train` itself, under mpirun. Weak scaling gives every rank the same work, and is compared with as many \
      processes side by side that know nothing of each other; strong scaling shares one step out. From `benchmark \
      collectives` it fits a latency and a bandwidth of the sums in a node's memory, says how well they fit, and predicts \
      a cluster of the nodes and the network given.
      """)

  @Option(help: "The configuration, such as configs/small.yaml.")
  var config: String

  @Option(help: "A corpus made by preprocess.")
  var data: String

  @Option(parsing: .upToNextOption, help: "Rank counts; without it 1, 2, 4 … as far as there are cores.")
  var ranks: [Int] = []

  @Option(help: "Steps of each run; the first two are not measured.")
  var steps = 8

  @Option(name: .customLong("set"), help: ArgumentHelp("Change a setting.", valueName: "section.key=value"))
  var overrides: [String] = []

  @Option(help: ArgumentHelp("Write a chart of the measured points.", valueName: "FILE.svg"))
  var chart: String?

  @OptionGroup(title: "The cluster to predict")
  var cluster: ClusterOptions

  @Flag(help: "Print one JSON object a line.")
  var json = false

  func validate() throws {
    guard steps >= 3 else { throw ValidationError("--steps must be at least 3.") }
    guard ranks.allSatisfy({ $0 >= 1 }) else { throw ValidationError("--ranks must be at least 1.") }
  }

  func run() throws {
    let configuration = try Configuration.load(from: FilePath(config), overrides: overrides)
    let counts =
      ranks.isEmpty ? Self.powersOfTwo(upTo: ProcessorCores.available()) : Set(ranks + [1]).sorted()
    var runs = try ScalingRuns(self, configuration, mostRanks: counts.max()!)
    defer { runs.remove() }
    var points: [ScalingPoint] = []
    for ranks in counts { points += try runs.points(ranks: ranks) }
    let sums = try counts.filter { $0 > 1 }.flatMap { try runs.sums(ranks: $0) }
    let report = ScalingReport(points: points, sums: sums)
    if let chart { try ScalingChart(points).svg().write(toFile: chart, atomically: true, encoding: .utf8) }
    try report.show(json: json)
    if let model = report.model {
      try cluster.show(
        configuration, model: model, ranks: counts.max()!, rate: report.computeRate, json: json)
    }
  }

  private static func powersOfTwo(upTo limit: Int) -> [Int] {
    Array(sequence(first: 1) { $0 * 2 <= limit ? $0 * 2 : nil })
  }
}
