import ArgumentParser
import Foundation
import HATCore
import HATDistributed
import HATStorage
import HATTerminal

/// How fast a trained model writes, alone or next to another (docs/generation.md).
struct BenchmarkGenerate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Measure how fast a trained model reads prompts and writes, at several batch sizes.",
    discussion: """
      The prompts are passages of held-out text from the corpora the run was trained on, the same for both models; the \
      same number of bytes is written to each document. Reading prompts and writing are timed separately, after a batch \
      that is not measured. Each model and batch size has a process of its own, whose peak memory is reported.
      """)

  @Option(help: ArgumentHelp("The run, or RUN@step for one of its checkpoints.", valueName: "RUN[@step]"))
  var checkpoint: String

  @Option(help: ArgumentHelp("A run to compare it with.", valueName: "RUN[@step]"))
  var baseline: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Corpora to take prompts from (default: those of the run).", valueName: "DIR"))
  var data: [String] = []

  @Option(parsing: .upToNextOption, help: "Documents to write at once.")
  var batch = [1, 16]

  @OptionGroup(title: "What is written")
  var task: WritingTask

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    guard !batch.isEmpty else { throw ValidationError("--batch needs a number.") }
    try OptionLimits(1...1024).check("--batch", each: batch)
    if task.texts, !json { throw ValidationError("--texts is for --json only.") }
  }

  func run() throws {
    let report = GenerationReport(try measurements(), checkpoint: checkpoint)
    try report.show(json: json)
    // A bug.
    guard report.isConsistent else { throw ExitCode(70) }
  }

  private func measurements() throws -> [GenerationMeasurement] {
    // What cannot be drawn from is refused here, not by a process of its own.
    _ = try task.samplers(of: 0..<1)
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
    let process = try MeasuredProcess(
      RankProgram.executable(),
      ["benchmark", "generate", "--json", "--checkpoint=\(model)", "--batch", String(batch)]
        + corpora.map { "--data=\($0)" } + task.arguments)
    return try GenerationReport(parsing: process.output()).measurements[0]
  }
}

/// What `benchmark generate` has a model write.
struct WritingTask: ParsableArguments {
  @Option(help: "Documents to write.")
  var documents = 16

  @Option(help: "Bytes of each prompt.")
  var promptBytes = 256

  @Option(help: "Bytes to write in each document.")
  var bytes = 256

  @Option(help: "0 always takes the most likely symbol; 1 samples as the model predicts.")
  var temperature = 0.8

  @Option(help: "Sample from the most likely symbols that together have this probability.")
  var topP = 0.95

  @Option(help: "Seed for the choice of prompts and for sampling.")
  var seed: UInt64 = 1

  @Option(help: "Threads (default: as many as there are cores). The text is the same for any number.")
  var threads: Int?

  @Flag(help: "With --json: also the prompts and what was written behind them, in base64.")
  var texts = false

  @OptionGroup
  var products: PrecisionOption

  func validate() throws {
    let limits = OptionLimits(1...1_000_000)
    try limits.check("--documents", documents)
    // Four bytes always hold a character: no prompt is empty.
    try OptionLimits(4...1_000_000).check("--prompt-bytes", promptBytes)
    try limits.check("--bytes", bytes)
    try OptionLimits.threads.check("--threads", threads)
  }

  /// The options that describe this task.
  var arguments: [String] {
    [
      "--documents", String(documents), "--prompt-bytes", String(promptBytes), "--bytes", String(bytes),
      "--temperature", String(temperature), "--top-p", String(topP), "--seed", String(seed),
    ] + (threads.map { ["--threads", String($0)] } ?? [])
      + (products.precision.map { ["--precision", $0.rawValue] } ?? []) + (texts ? ["--texts"] : [])
  }

  /// - Throws: `UserError` of kind `wrongUsage`.
  func samplers(of documents: Range<Int>) throws -> [Sampler] {
    try documents.map { try Sampler(temperature: temperature, topP: topP, seed: seed, document: $0) }
  }
}
