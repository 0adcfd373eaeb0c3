import ArgumentParser
import Foundation
import HATCore
import HATDistributed
import HATStorage
import HATTerminal
import SystemPackage

/// Training on growing rank counts, and what a cluster would do.
struct BenchmarkScaling: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scaling",
    abstract: "Measure training on growing rank counts, and predict the speed of a cluster.",
    discussion: """
      Runs `train` itself, under mpirun, on this machine alone. Weak scaling gives every rank the same work, and is \
      compared with as many independent processes running at the same time; strong scaling divides one step among the \
      ranks. Then gradient sums and parameter updates of several sizes are timed; a latency and a bandwidth fitted to \
      them, with the error of the fit, predict a cluster of the given nodes and network.
      """)

  @Option(help: "The configuration, such as configs/small.yaml.")
  var config: String

  @Option(help: "A corpus made by preprocess.")
  var data: String

  @Option(parsing: .upToNextOption, help: "Rank counts (default: 1, 2, 4 … up to the number of cores).")
  var ranks: [Int] = []

  @Option(help: "Steps of each run; the first two are not measured.")
  var steps = 8

  @Option(name: .customLong("set"), help: ArgumentHelp("Override a setting.", valueName: "section.key=value"))
  var overrides: [String] = []

  @Option(help: ArgumentHelp("Write a chart of what was measured.", valueName: "FILE.svg"))
  var chart: String?

  @OptionGroup(title: "The cluster to predict")
  var cluster: ClusterOptions

  @Flag(help: "Print one JSON object per line.")
  var json = false

  func validate() throws {
    try OptionLimits(3...10_000).check("--steps", steps)
    try OptionLimits.ranks.check("--ranks", each: ranks)
  }

  func run() throws {
    try RankProgram.requireAlone("benchmark scaling")
    try Self.requireOneMachine()
    let configuration = try Configuration.load(from: FilePath(config), overrides: overrides)
    let counts =
      ranks.isEmpty ? Self.powersOfTwo(upTo: ProcessorCores.available()) : Set(ranks + [1]).sorted()
    if let chart { try DurableFile.requireFile(at: FilePath(chart)) }
    try MPIJob(program: "", arguments: [], ranks: counts.max()!).requireStart()
    var runs = try ScalingRuns(self, configuration, mostRanks: counts.max()!)
    defer { runs.remove() }
    var points: [ScalingPoint] = []
    for ranks in counts { points += try runs.points(ranks: ranks) }
    let sums = try counts.filter { $0 > 1 }.flatMap { try runs.sums(ranks: $0) }
    let report = ScalingReport(points: points, sums: sums)
    try report.show(json: json)
    if let model = report.model {
      try cluster.show(
        configuration, model: model, ranks: counts.max()!, rate: report.computeRate, json: json)
    }
    if let chart { try DurableFile.write(Array(ScalingChart(points).svg().utf8), to: FilePath(chart)) }
  }

  /// Runs leave their files on this machine, and ranks are compared with processes that run on it.
  private static func requireOneMachine() throws {
    let nodes = ProcessInfo.processInfo.environment["SLURM_JOB_NUM_NODES"].flatMap { Int($0) } ?? 1
    guard nodes > 1 else { return }
    throw UserError(
      .wrongUsage, at: "benchmark scaling", "it measures one machine, and this job has \(nodes)",
      hint: "Run it in a job of one node.")
  }

  private static func powersOfTwo(upTo limit: Int) -> [Int] {
    Array(sequence(first: 1) { $0 * 2 <= limit ? $0 * 2 : nil })
  }
}

/// Started by `benchmark scaling`: starts ranks, and times gradient sums and parameter updates.
struct BenchmarkSums: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "sums", shouldDisplay: false)

  /// What it prints for each size.
  struct Result: Codable {
    /// Of the gradient.
    var bytes: Int
    var seconds: Double
  }

  /// Bytes of gradients. Sizes between lie in the caches of one processor and not of another: no base for a prediction.
  private static let sizes = [1 << 10, 4 << 10, 4 << 20, 16 << 20, 64 << 20, 256 << 20]
  private static let seconds = 0.5

  @Option(help: "Start mpirun with this many ranks.")
  var ranks: Int

  func run() throws {
    guard Launcher.current != nil else { StandardStreams.end(try RankProgram.start(ranks: ranks)) }
    StandardStreams.end(
      RankProgram.run { communicator in
        for bytes in Self.sizes {
          let sum = try SumAndUpdate(count: bytes / 4, on: communicator)
          let seconds = try communicator.medianSeconds(of: [sum.run], for: Self.seconds)[0]
          if communicator.rank == 0 { try JSONOutput.print(Result(bytes: bytes, seconds: seconds)) }
        }
        return 0
      })
  }
}
