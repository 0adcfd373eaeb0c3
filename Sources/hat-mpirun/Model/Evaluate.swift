import ArgumentParser
import Foundation
import HATCore
import HATStorage
import HATText
import SystemPackage

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure a trained model on text: bits per byte, byte accuracy, word accuracy.",
    discussion: "Every word is predicted once, in sequences of the length the model was trained with.")

  @Option(help: ArgumentHelp("The run, or RUN@step for one of its checkpoints.", valueName: "RUN[@step]"))
  var checkpoint: String

  @Option(help: ArgumentHelp("A corpus made by preprocess.", valueName: "DIR"))
  var data: String?

  @Option(help: "Which part of the corpus.")
  var part = CorpusPart.holdout

  @Option(help: ArgumentHelp("A text file, as one document.", valueName: "FILE"))
  var text: String?

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    guard (data == nil) != (text == nil) else { throw ValidationError("Give either --data or --text.") }
  }

  func run() throws {
    let loaded = try LoadedModel(checkpoint)
    let stream = try stream(for: loaded)
    let model = loaded.makeModel()
    let progress = ProgressLine("evaluate", unit: .bytes)
    var sum = LossSum()
    while let batch = try stream.nextSequence() {
      sum = sum + model.loss(batch, parameters: loaded.parameters.base)
      progress.update(sum.textBytes, of: nil)
    }
    progress.clear()
    guard sum.textBytes > 0 else { throw nothingToEvaluate }
    let result = EvaluationResult(step: loaded.manifest.step, sum)
    try json ? JSONOutput.print(result) : result.show()
  }

  private func stream(for loaded: LoadedModel) throws -> EvaluationStream {
    let sizes = loaded.configuration.data
    if let text {
      let file = try FileReader(opening: FilePath(text))
      return try EvaluationStream(
        text: file.read(at: 0, count: file.length), splitter: loaded.splitter,
        sequenceWords: sizes.sequenceWords, sequenceBytes: sizes.sequenceBytes)
    }
    let corpus = try Corpus(opening: FilePath(data!))
    try loaded.requireSameSplitting(as: corpus)
    return try EvaluationStream(
      corpus: corpus, part: part, sequenceWords: sizes.sequenceWords, sequenceBytes: sizes.sequenceBytes)
  }

  private var nothingToEvaluate: UserError {
    if let text {
      return UserError(.invalidData, at: text, "the file is empty", hint: "Name a file with text.")
    }
    return UserError(
      .invalidData, at: data, "its part \(part.rawValue) has no documents",
      hint: part == .holdout
        ? "Preprocess with a larger --holdout, or add --part train." : "Preprocess some text.")
  }
}

extension CorpusPart: ExpressibleByArgument {}

/// What `evaluate` says: each measure with its count.
private struct EvaluationResult: Encodable {
  let step: Int
  let bitsPerByte: Double
  let byteAccuracy: Double
  let wordAccuracy: Double
  /// Nats per target position.
  let loss: Double
  let textBytes: Int
  let correctBytes: Int
  let words: Int
  let correctWords: Int
  let targetPositions: Int

  init(step: Int, _ sum: LossSum) {
    self.step = step
    bitsPerByte = sum.bitsPerByte
    byteAccuracy = sum.byteAccuracy
    wordAccuracy = sum.wordAccuracy
    loss = sum.loss
    textBytes = sum.textBytes
    correctBytes = sum.correctBytes
    words = sum.words
    correctWords = sum.correctWords
    targetPositions = sum.targetPositions
  }

  func show() {
    print("step \(step)")
    TextTable.show([
      ["bits per byte", Amount.fixed(bitsPerByte, 4), "over \(Amount.grouped(textBytes)) bytes"],
      [
        "byte accuracy", Amount.fixed(100 * byteAccuracy, 2) + "%",
        "\(Amount.grouped(correctBytes)) of \(Amount.grouped(textBytes)) bytes",
      ],
      [
        "word accuracy", Amount.fixed(100 * wordAccuracy, 2) + "%",
        "\(Amount.grouped(correctWords)) of \(Amount.grouped(words)) words",
      ],
    ])
  }
}
