import ArgumentParser
import Foundation
import HATCore
import HATDistributed
import HATStorage

/// How fast a trained model writes here, alone or beside another (docs/generation.md).
struct BenchmarkGenerate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Measure how fast a trained model reads prompts and writes, at several batch sizes.",
    discussion: """
      The prompts are passages of held-out text of the corpora the run was trained on, the same for both models; of each \
      document as many bytes are written. Reading prompts and writing are timed apart, after a batch that is not \
      measured. Each model and batch size has a process of its own, whose peak memory is told.
      """)

  @Option(help: ArgumentHelp("The run, or RUN@step for one of its checkpoints.", valueName: "RUN[@step]"))
  var checkpoint: String

  @Option(help: ArgumentHelp("A run to compare it with.", valueName: "RUN[@step]"))
  var baseline: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Corpora that prompts are taken from, in place of the run's.", valueName: "DIR"))
  var data: [String] = []

  @Option(parsing: .upToNextOption, help: "Documents at once.")
  var batch = [1, 16]

  @OptionGroup(title: "What is written")
  var task: WritingTask

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    guard !batch.isEmpty, batch.allSatisfy({ $0 >= 1 }) else {
      throw ValidationError("--batch must be at least 1.")
    }
  }

  func run() throws {
    let report = GenerationReport(try measurements(), checkpoint: checkpoint)
    try report.show(json: json)
    // A fault of ours.
    guard report.isConsistent else { throw ExitCode(70) }
  }

  private func measurements() throws -> [GenerationMeasurement] {
    let corpora = try data.isEmpty ? CheckpointReference(parsing: checkpoint).corpora : data
    if baseline == nil, batch.count == 1 {
      return [try GenerationRun(checkpoint, batch: batch[0], task: task, corpora: corpora).measure()]
    }
    return try batch.flatMap { batch in
      try ([checkpoint] + [baseline].compactMap(\.self)).map { try measure($0, batch, corpora) }
    }
  }

  /// In a process of its own.
  private func measure(_ model: String, _ batch: Int, _ corpora: [String]) throws -> GenerationMeasurement {
    let messages = FileManager.default.temporaryDirectory.appendingPathComponent("hat-generate-\(UUID())")
    defer { try? FileManager.default.removeItem(at: messages) }
    let process = try MeasurementProcess(
      RankProgram.executable(),
      ["benchmark", "generate", "--json", "--checkpoint", model, "--batch", String(batch), "--data"]
        + corpora + task.arguments, messages: messages)
    let output = process.readOutput()
    try process.finish()
    return try GenerationReport(parsing: output).measurements[0]
  }
}
