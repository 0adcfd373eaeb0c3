import ArgumentParser
import HAT
import HATCore
import HATDistributed
import HATStorage
import HATTerminal
import HATText

struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Continue a text with a trained model; the text streams to standard output.",
    discussion: """
      Ends after --bytes, or when the model ends the document. With --chat the prompt is a question to a model that was tuned on \
      dialogues, and the answer alone is written, as `serve` writes it.
      """)

  @Option(help: ArgumentHelp("The run, or RUN@step for one of its checkpoints.", valueName: "RUN[@step]"))
  var checkpoint: String

  @Option(
    help: ArgumentHelp("The beginning of the document; - to read it from standard input.", valueName: "TEXT"))
  var prompt = ""

  @Flag(help: "Answer the prompt: it is the user's turn of a dialogue.")
  var chat = false

  @Option(
    help: ArgumentHelp("With --chat: how to behave, as the system's turn before it.", valueName: "TEXT"))
  var system: String?

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

  @OptionGroup
  var products: PrecisionOption

  func validate() throws {
    try OptionLimits(0...1_000_000_000_000).check("--bytes", bytes)
    try OptionLimits.threads.check("--threads", threads)
    if system != nil, !chat { throw ValidationError("--system is for --chat only.") }
  }

  func run() throws {
    var samplers = [try Sampler(temperature: temperature, topP: topP, seed: seed)]
    let choice = try ThreadChoice(wanted: threads, on: SoloCommunicator())
    let text = try promptBytes()
    let model = try LoadedModel(checkpoint, threads: choice.threads, precision: products.precision) {
      Terminal.warning($0)
    }
    let generator = TextGenerator(model.makePredictor(documents: 1))
    if chat {
      generator.read([try dialogue(text, with: model)])
    } else {
      try StandardOutput.write(text)
      generator.read([text])
    }
    _ = try generator.write(byteLimit: bytes, samplers: &samplers) { _, text in try StandardOutput.write(text)
    }
    try StandardOutput.write("\n".utf8)
  }

  private func dialogue(_ question: [UInt8], with model: LoadedModel) throws -> [UInt8] {
    var turns = [DialogueMessage(.user, String(decoding: question, as: UTF8.self))]
    if let system { turns.insert(DialogueMessage(.system, system), at: 0) }
    return try model.requireTemplate().prompt(turns)
  }

  private func promptBytes() throws -> [UInt8] {
    let text = try prompt == "-" ? StandardInput.readAll() : Array(prompt.utf8)
    if let offset = TextValidation.firstInvalidByte(in: text) {
      throw UserError(
        .invalidData, at: "the prompt", "byte \(offset) is not valid UTF-8", hint: "Give the prompt as UTF-8."
      )
    }
    return text
  }
}
