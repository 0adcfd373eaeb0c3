import ArgumentParser
import HATCore

/// What `benchmark generate` lets a model write.
struct WritingTask: ParsableArguments {
  @Option(help: "Documents to write.")
  var documents = 16

  @Option(help: "Bytes of each prompt.")
  var promptBytes = 256

  @Option(help: "Bytes to write in each document.")
  var bytes = 256

  @Option(help: "0 always takes the likeliest symbol; 1 draws as the model predicts.")
  var temperature = 0.8

  @Option(help: "Draw from the likeliest symbols that together hold this probability.")
  var topP = 0.95

  @Option(help: "Of the choice of prompts, and of the draws.")
  var seed: UInt64 = 1

  @Option(help: "Threads; as many as there are cores without it. The text is the same for any number.")
  var threads: Int?

  func validate() throws {
    guard documents >= 1, promptBytes >= 1, bytes >= 1 else {
      throw ValidationError("--documents, --prompt-bytes and --bytes must be at least 1.")
    }
    guard threads ?? 1 >= 1 else { throw ValidationError("--threads must be at least 1.") }
  }

  /// The options that give the same task.
  var arguments: [String] {
    [
      "--documents", String(documents), "--prompt-bytes", String(promptBytes), "--bytes", String(bytes),
      "--temperature", String(temperature), "--top-p", String(topP), "--seed", String(seed),
    ] + (threads.map { ["--threads", String($0)] } ?? [])
  }

  /// - Throws: `UserError` of kind `wrongUsage`.
  func samplers(of documents: Range<Int>) throws -> [Sampler] {
    try documents.map { try Sampler(temperature: temperature, topP: topP, seed: seed, document: $0) }
  }
}
