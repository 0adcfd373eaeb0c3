import HATCore
import HATDistributed
import HATTerminal

/// What people read of a plan.
extension RunPlan {
  /// In one line.
  var summary: String {
    "planned: \(size.name), \(Amount.large(Double(parameters))) parameters, "
      + "\(Amount.grouped(configuration.training.steps)) steps of \(Amount.bytes(batchBytes)), "
      + "\(readText), about \(Amount.duration(seconds)); "
      + "expected \(Self.text(expected)) bits per byte of held-out text"
  }

  var rows: [[String]] {
    let (data, training) = (configuration.data, configuration.training)
    return [
      ["size", size.name],
      ["parameters", Amount.large(Double(parameters))],
      ["training FLOPs per byte", Amount.large(trainingFlopsPerByte)],
      ["text", readText],
      [
        "batch",
        "\(Amount.bytes(batchBytes)), \(training.sequencesPerStep) sequences of \(data.sequenceWords) words in "
          + "\(training.microBatches) micro-batches",
      ],
      ["steps", Amount.grouped(training.steps)],
      ["time", "about \(Amount.duration(seconds))"],
      ["expected bits per byte", Self.text(expected)],
      ["a subword baseline of equal FLOPs", Self.text(baseline)],
    ]
  }

  var parameters: Int { TensorTable(configuration.model).count }

  private var readText: String {
    "\(Amount.bytes(textBytes)) of \(Amount.bytes(availableTextBytes)) of text"
  }

  private static func text(_ prediction: ScalingLaw.Prediction) -> String {
    let interval = prediction.interval
    return "\(Amount.fixed(prediction.bitsPerByte, 3)) (\(Amount.fixed(interval.lowerBound, 3)) to "
      + "\(Amount.fixed(interval.upperBound, 3)))"
  }
}

/// What people should know of a plan before they believe it.
extension RunPlan {
  /// Sentences.
  var notes: [String] {
    [textNote, memoryNote, batchNote, settingsNote, extrapolationNote].compactMap { $0 } + [
      "The expectation is a law of English text (scripts/fetch-corpus english); other text has another level."
    ]
  }

  private var textNote: String? {
    guard let wish = withEnoughText else { return nil }
    return "There is too little text: the time would be best spent on \(wish.size.name) and "
      + "\(Amount.bytes(wish.textBytes)) of it, for \(Amount.fixed(wish.bitsPerByte, 3)) bits per byte."
  }

  private var memoryNote: String? {
    guard let wish = withEnoughMemory else { return nil }
    return "There is too little memory for \(wish.size.name), which would reach "
      + "\(Amount.fixed(wish.bitsPerByte, 3)) bits per byte: it takes \(Amount.memory(wish.memory)) on every rank."
  }

  /// A plan with a large batch does what was asked, and the machines are there: it is not refused.
  private var batchNote: String? {
    guard let usual = usualBatchBytes else { return nil }
    let ranks = max(1, usual * configuration.training.sequencesPerStep / batchBytes)
    let times = Amount.fixed(Double(batchBytes) / Double(usual), 1)
    return
      "The batch is \(times) times the usual one, so that every rank has a sequence: fewer ranks, down to \(ranks), "
      + "would take more steps over the same text. The expectation does not know of it."
  }

  private var settingsNote: String? {
    guard !changedSettings.isEmpty else { return nil }
    let names = changedSettings.joined(separator: ", ")
    return "The expectation is of the presets' recipe: it does not know of \(names)."
  }

  private var extrapolationNote: String? {
    func part(_ factor: Double, _ noun: String) -> String? {
      guard factor != 1 else { return nil }
      return "\(Amount.fixed(factor, factor < 1 ? 2 : 1)) times the \(factor < 1 ? "fewest" : "most") \(noun)"
    }
    let parts = [
      part(extrapolation.text, "bytes of text"), part(extrapolation.flopsPerByte, "FLOPs per byte"),
    ].compactMap { $0 }
    guard !parts.isEmpty else { return nil }
    return "It lies outside the runs that the law was fitted to, with \(parts.joined(separator: " and "))."
  }
}
