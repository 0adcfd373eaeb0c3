import ArgumentParser
import Foundation
import HATCore
import HATText
import SystemPackage

struct InspectBatches: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "batches",
    abstract: "Print the micro-batches a run would train on, for another implementation to train on too.",
    discussion: """
      A JSON object a line for each micro-batch: step and micro_batch, counted from 1 and 0; bytes_b64, the bytes of \
      all words in base64; word_offsets, where each word starts in them, and the end; piece_offsets, the first word of \
      each piece of a document, and the end; text_bytes and words it predicts, document marks left out; \
      training_flops, of the plain algorithm. The first word of a piece is only read, its last only predicted.
      """)

  @Option(name: .customLong("config"), help: "The configuration, such as configs/tiny.yaml.")
  var configurationFile: String

  @Option(
    parsing: .upToNextOption, help: ArgumentHelp("As for train.", valueName: "DIR[:weight]"))
  var data: [WeightedFolder]

  @Option(help: "How many steps, from the first.")
  var steps = 1

  @Option(
    name: .customLong("set"), help: ArgumentHelp("Change a setting.", valueName: "section.key=value"))
  var overrides: [String] = []

  func validate() throws {
    guard !data.isEmpty else { throw ValidationError("--data needs a folder.") }
    for corpus in data { try corpus.validate() }
    guard steps >= 1 else { throw ValidationError("--steps must be at least 1.") }
  }

  func run() throws {
    let configuration = try Configuration.load(from: FilePath(configurationFile), overrides: overrides)
    try configuration.model.require(.hierarchical, for: "inspect batches", at: configurationFile)
    let source = try TextMicroBatches(
      Mixture(data), configuration, cursor: nil, owned: Array(0..<configuration.training.microBatches))
    let cost = ModelCost(configuration.model)
    for step in 1...steps {
      for (index, batch) in try source.nextStep().enumerated() {
        try JSONOutput.print(
          MicroBatchLine(
            batch, step: step, index: index, flops: ModelCost.trainingPasses * cost.forward(batch)))
      }
    }
  }
}

/// A micro-batch as a line of output.
private struct MicroBatchLine: Encodable {
  let step: Int
  let microBatch: Int
  let bytesB64: Data
  let wordOffsets: [Int32]
  let pieceOffsets: [Int32]
  let textBytes: Int
  let words: Int
  let trainingFlops: Double

  init(_ batch: Batch, step: Int, index: Int, flops: Double) {
    self.step = step
    microBatch = index
    bytesB64 = Data(batch.bytes)
    wordOffsets = batch.wordOffsets
    pieceOffsets = batch.pieceOffsets
    trainingFlops = flops
    let targets = (0..<batch.pieceCount).flatMap { batch.wordRange(ofPiece: $0).dropFirst() }
      .filter { !batch.isDocumentMark($0) }
    words = targets.count
    textBytes = targets.reduce(0) { $0 + batch.byteRange(ofWord: $1).count }
  }
}
