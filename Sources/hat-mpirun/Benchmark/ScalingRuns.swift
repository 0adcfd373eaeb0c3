import Foundation
import HATCore
import HATDistributed
import HATStorage
import HATTerminal

/// Runs `train` for `benchmark scaling`, and reads how long it took.
struct ScalingRuns {
  private let command: BenchmarkScaling
  private let program: String
  private let folder: URL
  private var aloneStrong: ScalingPoint?
  /// A rank's share of a step in the weak runs.
  private let share: (microBatches: Int, sequences: Int)
  private let whole: (microBatches: Int, sequences: Int)

  private static let warmupSteps = 2

  init(_ command: BenchmarkScaling, _ configuration: Configuration, mostRanks: Int) throws {
    let training = configuration.training
    guard training.microBatches % mostRanks == 0 else {
      throw UserError(
        .configuration, at: "training.micro_batches",
        "\(training.microBatches) micro-batches cannot be divided evenly among \(mostRanks) ranks",
        hint: "Use --set training.micro_batches=\(mostRanks), or fewer --ranks.")
    }
    self.command = command
    whole = (training.microBatches, training.sequencesPerStep)
    share = (training.microBatches / mostRanks, training.sequencesPerStep / mostRanks)
    program = try RankProgram.executable()
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("hat-scaling-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  func remove() {
    try? FileManager.default.removeItem(at: folder)
  }

  /// The points of a rank count: apart, weak, strong.
  mutating func points(ranks: Int) throws -> [ScalingPoint] {
    // First, because its ranks compare what they need together with the memory there is.
    var weak = try together(.weak, ranks, microBatches: share.microBatches * ranks, share.sequences * ranks)
    let apart = try self.apart(ranks)
    var strong = try together(.strong, ranks, microBatches: whole.microBatches, whole.sequences)
    weak.efficiency = apart.stepSeconds / weak.stepSeconds
    let one = aloneStrong ?? strong
    aloneStrong = one
    strong.efficiency = one.stepSeconds / (Double(ranks) * strong.stepSeconds)
    return [apart, weak, strong]
  }

  /// One run under `mpirun`, started as everybody starts it.
  private func together(
    _ mode: ScalingPoint.Mode, _ ranks: Int, microBatches: Int, _ sequences: Int
  ) throws -> ScalingPoint {
    let output = newRun()
    let launching = ["--ranks", "\(ranks)", "--threads", "1", "--restarts", "0"]
    _ = try MeasuredProcess(
      program, trainArguments(output, microBatches: microBatches, sequences) + launching
    ).output()
    return try point(mode, ranks, of: [output])
  }

  /// As many single processes as `ranks` at once, each on a core of its own.
  private func apart(_ ranks: Int) throws -> ScalingPoint {
    let outputs = (0..<ranks).map { _ in newRun() }
    let cores = ProcessorCores.oneThreadEach()
    let processes = try outputs.enumerated().map { number, output in
      try MeasuredProcess(
        "taskset",
        ["-c", "\(cores[number % cores.count])", program]
          + trainArguments(output, microBatches: share.microBatches, share.sequences))
    }
    for process in processes { _ = try process.output() }
    return try point(.apart, ranks, of: outputs)
  }

  private func trainArguments(_ output: String, microBatches: Int, _ sequences: Int) -> [String] {
    let settings = [
      "training.steps=\(command.steps)", "training.micro_batches=\(microBatches)",
      "training.sequences_per_step=\(sequences)", "output.evaluate_every=0",
      "output.checkpoint_every=\(max(2, command.steps / 2))",
    ]
    return ["train", "--config=\(command.config)", "--data=\(command.data)", "--output", output]
      + (command.overrides + settings).map { "--set=\($0)" }
  }

  private func newRun() -> String { folder.appendingPathComponent(UUID().uuidString).path }

  /// Sums and updates of several sizes on so many ranks.
  func sums(ranks: Int) throws -> [ReductionModel.Point] {
    let output = try MeasuredProcess(program, ["benchmark", "sums", "--ranks", "\(ranks)"]).output()
    return try output.split(separator: UInt8(ascii: "\n")).map { line in
      let sum = try JSONDecoder().decode(BenchmarkSums.Result.self, from: line)
      return ReductionModel.Point(bytes: sum.bytes, ranks: ranks, seconds: sum.seconds)
    }
  }

  /// - Parameter outputs: run folders, of one run or of several at once.
  private func point(_ mode: ScalingPoint.Mode, _ ranks: Int, of outputs: [String]) throws -> ScalingPoint {
    let runs = try outputs.map { try MeasuredSteps(run: $0, skipping: Self.warmupSteps) }
    let count = Double(runs.count)
    return ScalingPoint(
      mode: mode, ranks: ranks, stepSeconds: runs.reduce(0) { $0 + $1.medianSeconds } / count, efficiency: 1,
      phases: Dictionary(
        uniqueKeysWithValues: ScalingPoint.phases.map { name in
          (name, runs.reduce(0) { $0 + $1.mean("\(name)_seconds") } / count)
        }), modelFlopsPerSecond: runs.reduce(0) { $0 + $1.mean("model_flops_per_second") })
  }
}

/// The steps of a run, from its metrics.
struct MeasuredSteps {
  private let steps: [[String: Double]]

  init(run: String, skipping warmup: Int) throws {
    let text = try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8)
    steps = try text.split(separator: "\n").dropFirst(warmup).map { line in
      let fields = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
      return fields.compactMapValues { $0 as? Double }
    }
  }

  var medianSeconds: Double {
    let seconds = steps.map { $0["step_seconds"]! }.sorted()
    return seconds[seconds.count / 2]
  }

  func mean(_ field: String) -> Double {
    steps.reduce(0) { $0 + ($1[field] ?? 0) } / Double(steps.count)
  }
}
