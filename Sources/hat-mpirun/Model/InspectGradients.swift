import ArgumentParser
import HAT
import HATCore
import HATStorage
import HATTerminal
import HATText
import SystemPackage

struct InspectGradients: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gradients",
    abstract:
      "Write loss, logits and all gradients of one document, to check another implementation.",
    discussion: """
      The file holds float32 tensors: loss [1], the mean over target positions in nats; logits [P, 256]; \
      targets [P]; and gradient.NAME, the gradient of the loss, for each parameter NAME.
      """)

  @Option(help: ArgumentHelp("The run, or RUN@step for one of its checkpoints.", valueName: "RUN[@step]"))
  var checkpoint: String

  @Option(help: ArgumentHelp("The document, a UTF-8 text file.", valueName: "FILE"))
  var text: String

  @Option(help: ArgumentHelp("The safetensors file to write.", valueName: "FILE"))
  var output: String

  func run() throws {
    try DurableFile.requireFile(at: FilePath(output))
    let loaded = try LoadedModel(checkpoint) { Terminal.warning($0) }
    try loaded.require(.hierarchical, for: "inspect gradients")
    let file = try FileReader(opening: FilePath(text))
    let batch = try Batch.text(file.read(at: 0, count: file.length), splitter: loaded.splitter)
    try requireShort(batch, loaded.configuration.data)
    let model = HierarchicalTransformer(
      loaded.configuration.model,
      Execution(
        capacity: BatchCapacity(
          sequences: 1, sequenceWords: batch.wordCount, maxWordBytes: loaded.manifest.maxWordBytes)),
      reserving: true)
    let record = try model.record(of: batch, loaded.weights)
    try SafetensorsFile.write(record.tensors(model.table), metadata: ["format": "hat"], to: FilePath(output))
    print("\(output): loss \(record.loss.loss) over \(record.loss.targetPositions) target positions")
  }

  /// All of it is one sequence, whose cost grows with the square of its words.
  private func requireShort(_ batch: Batch, _ data: DataConfiguration) throws {
    let most = max(data.sequenceWords, Self.plentyOfWords)
    guard batch.wordCount > most else { return }
    throw UserError(
      .invalidData, at: text, "it has \(batch.wordCount) words, and at most \(most) can be one sequence",
      hint: "Give its beginning.")
  }

  private static let plentyOfWords = 4096
}
