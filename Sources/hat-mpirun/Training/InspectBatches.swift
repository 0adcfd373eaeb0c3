import ArgumentParser
import Foundation
import HAT
import HATCore
import HATTerminal
import HATText
import SystemPackage

struct InspectBatches: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "batches",
    abstract: "Print the micro-batches that a run would train on, for use by another implementation.",
    discussion: """
      Prints a JSON object on one line for each micro-batch: step, counted from 1; micro_batch, counted from 0; \
      bytes_b64, the bytes of all words in base64; word_offsets, where each word starts in them, and the end; \
      piece_offsets, the first word of each piece of a document, and the end; text_bytes and words, the number to \
      predict, without marks; training_flops, of the plain algorithm. The first word of a piece is only \
      input, the last only target. Of dialogues also counted, the words that are part of the loss: the first of each range and \
      the one behind its last; then text_bytes and words are of these. Of preferences also pairs: of each two pieces, chosen and \
      rejected, the number of the pair in its corpus.
      """)

  @Option(name: .customLong("config"), help: "The configuration, such as configs/tiny.yaml.")
  var configurationFile: String

  @Option(
    parsing: .upToNextOption, help: ArgumentHelp("As for train.", valueName: "DIR[:weight]"))
  var data: [WeightedFolder]

  @Option(help: "The number of steps, from the first.")
  var steps = 1

  @Option(
    name: .customLong("set"), help: ArgumentHelp("Change a setting.", valueName: "section.key=value"))
  var overrides: [String] = []

  func validate() throws {
    guard !data.isEmpty else { throw ValidationError("--data needs a folder.") }
    for corpus in data { try corpus.validate() }
    try OptionLimits.count.check("--steps", steps)
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
  let counted: [[Int]]?
  let pairs: [Int]?
  let trainingFlops: Double

  init(_ batch: Batch, step: Int, index: Int, flops: Double) {
    self.step = step
    microBatch = index
    bytesB64 = Data(batch.bytes)
    wordOffsets = batch.wordOffsets
    pieceOffsets = batch.pieceOffsets
    trainingFlops = flops
    let targets = (0..<batch.pieceCount).flatMap { batch.wordRange(ofPiece: $0).dropFirst() }
    let countedTargets = targets.filter(batch.counts)
    counted = countedTargets.count == targets.count ? nil : Self.ranges(countedTargets)
    pairs = batch.pairs.isEmpty ? nil : batch.pairs.map(\.document)
    let text = countedTargets.filter { !batch.isMark($0) }
    words = text.count
    textBytes = text.reduce(0) { $0 + batch.byteRange(ofWord: $1).count }
  }

  /// Of ascending numbers, the first of each run and the one behind its last.
  private static func ranges(_ numbers: [Int]) -> [[Int]] {
    numbers.reduce(into: []) { ranges, number in
      if ranges.last?[1] == number {
        ranges[ranges.count - 1][1] += 1
      } else {
        ranges.append([number, number + 1])
      }
    }
  }
}
