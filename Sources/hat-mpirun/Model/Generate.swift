import ArgumentParser
import Foundation
import HAT
import HATCore
import HATDistributed
import HATStorage
import HATTerminal
import HATText

struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Continue a text with a trained model; the text streams to standard output.",
    discussion: "Ends after --bytes, or when the model ends the document.")

  @Option(help: ArgumentHelp("The run, or RUN@step for one of its checkpoints.", valueName: "RUN[@step]"))
  var checkpoint: String

  @Option(
    help: ArgumentHelp("The beginning of the document; - to read it from standard input.", valueName: "TEXT"))
  var prompt = ""

  @Option(help: "The most bytes to write.")
  var bytes = 400

  @Option(help: "0 always takes the most likely byte; 1 samples from the model's probabilities.")
  var temperature = 0.8

  @Option(help: "Sample from the most likely bytes whose probabilities add up to this.")
  var topP = 0.95

  @Option(help: "Seed of the samples: the same seed writes the same text.")
  var seed: UInt64 = 1

  @Option(help: "Threads (default: one per core). The text is the same for any number.")
  var threads: Int?

  func validate() throws {
    guard bytes >= 0 else { throw ValidationError("--bytes must not be negative.") }
    guard threads ?? 1 >= 1 else { throw ValidationError("--threads must be at least 1.") }
  }

  func run() throws {
    var samplers = [try Sampler(temperature: temperature, topP: topP, seed: seed)]
    let choice = try ThreadChoice(wanted: threads, on: SoloCommunicator())
    let text = try promptBytes()
    let model = try LoadedModel(checkpoint, threads: choice.threads) { Terminal.warning($0) }
    let generator = TextGenerator(model.makePredictor(documents: 1))
    try StandardStreams.write(Data(text))
    generator.read([text])
    _ = try generator.write(byteLimit: bytes, samplers: &samplers) { _, text in
      try StandardStreams.write(Data(text))
    }
    try StandardStreams.write(Data("\n".utf8))
  }

  private func promptBytes() throws -> [UInt8] {
    let text = prompt == "-" ? [UInt8](FileHandle.standardInput.readDataToEndOfFile()) : Array(prompt.utf8)
    if let offset = TextValidation.firstInvalidByte(in: text) {
      throw UserError(
        .invalidData, at: "the prompt", "byte \(offset) is not valid UTF-8", hint: "Give the prompt as UTF-8."
      )
    }
    return text
  }
}
