/// What the files in the folder of a run say of it. The run may go on meanwhile.
package struct RunReport: Encodable, Sendable {
  package enum State: String, Encodable, Sendable {
    case running, finished, unfinished
  }

  /// As the user named it.
  package var run: String
  package var state: State
  /// Of metrics.jsonl, the last.
  package var step: Int
  /// Of the whole run, by its configuration.
  package var steps: Int
  package var kind: String
  package var parameters: Int
  /// When metrics.jsonl was written last, as ISO 8601 writes it.
  package var changed: String?
  package var codeVersion: String?
  package var products: String?
  package var ranks: Int?
  package var corpora: [CorpusDescription]
  package var dataFingerprint: String?

  package var totals: Totals
  package var curve: [CurvePoint]
  package var evaluations: [EvaluationPoint]
  package var samples: [LoggedSample]
  package var starts: [RunStart]
  /// Steps that were not applied.
  package var skipped: [Int]
  /// Reports of hangs, as paths in the folder.
  package var hangs: [String]
  /// What could not be read, in sentences.
  package var notes: [String]
  /// Complete, as YAML.
  package var configuration: String

  package struct Totals: Encodable, Sendable {
    /// Steps that metrics.jsonl has.
    package var loggedSteps = 0
    package var cost = TrainingCost()
    package var words = 0
    package var dataWaitSeconds = 0.0
    package var checkpointStallSeconds = 0.0
    /// For other ranks, of rank 0.
    package var waitSeconds = 0.0
    package var peakLearningRate: Double?
    /// Of the last 50 steps: of their text, unless one has no number; and their mean.
    package var lastBitsPerByte: Double?
    package var lastStepSeconds: Double?

    private enum CodingKeys: CodingKey {
      case loggedSteps, words, dataWaitSeconds, checkpointStallSeconds, waitSeconds, peakLearningRate,
        lastBitsPerByte, lastStepSeconds, bytesPerSecond, flopsPerSecond
    }

    /// One object, with the fields of `cost` beside the others.
    package func encode(to encoder: any Encoder) throws {
      try cost.encode(to: encoder)
      var object = encoder.container(keyedBy: CodingKeys.self)
      try object.encode(loggedSteps, forKey: .loggedSteps)
      try object.encode(words, forKey: .words)
      try object.encode(dataWaitSeconds, forKey: .dataWaitSeconds)
      try object.encode(checkpointStallSeconds, forKey: .checkpointStallSeconds)
      try object.encode(waitSeconds, forKey: .waitSeconds)
      try object.encodeIfPresent(peakLearningRate, forKey: .peakLearningRate)
      try object.encodeIfPresent(lastBitsPerByte, forKey: .lastBitsPerByte)
      try object.encodeIfPresent(lastStepSeconds, forKey: .lastStepSeconds)
      try object.encodeIfPresent(bytesPerSecond, forKey: .bytesPerSecond)
      try object.encodeIfPresent(flopsPerSecond, forKey: .flopsPerSecond)
    }

    package var bytesPerSecond: Double? { cost.seconds > 0 ? Double(cost.bytes) / cost.seconds : nil }
    package var flopsPerSecond: Double? { cost.seconds > 0 ? cost.flops / cost.seconds : nil }
  }
}

/// An evaluation on held-out text, and what training had cost until then.
package struct EvaluationPoint: Encodable, Sendable, Equatable {
  package var step: Int
  package var cost: TrainingCost
  package var line: LoggedEvaluation

  private enum CodingKeys: CodingKey {
    case step
  }

  /// One object.
  package func encode(to encoder: any Encoder) throws {
    try cost.encode(to: encoder)
    try line.encode(to: encoder)
    var object = encoder.container(keyedBy: CodingKeys.self)
    try object.encode(step, forKey: .step)
  }
}

/// The figures of a line of evaluations.jsonl.
package struct LoggedEvaluation: Codable, Sendable, Equatable {
  /// nil where they were not finite, as the loss.
  package var bitsPerByte: Double?
  package var loss: Double?
  package var byteAccuracy: Double?
  package var wordAccuracy: Double?
  package var textBytes: Int?
  package var words: Int?
  package var corporaBitsPerByte: [Double?]?

  private enum CodingKeys: CodingKey {
    case bitsPerByte, loss, byteAccuracy, wordAccuracy, textBytes, words, corporaBitsPerByte
  }

  /// A line without bits per byte is damaged; one whose bits per byte are null is not.
  package init(from decoder: any Decoder) throws {
    let object = try decoder.container(keyedBy: CodingKeys.self)
    bitsPerByte = try object.decode(Double?.self, forKey: .bitsPerByte)
    loss = try object.decodeIfPresent(Double.self, forKey: .loss)
    byteAccuracy = try object.decodeIfPresent(Double.self, forKey: .byteAccuracy)
    wordAccuracy = try object.decodeIfPresent(Double.self, forKey: .wordAccuracy)
    textBytes = try object.decodeIfPresent(Int.self, forKey: .textBytes)
    words = try object.decodeIfPresent(Int.self, forKey: .words)
    corporaBitsPerByte = try object.decodeIfPresent([Double?].self, forKey: .corporaBitsPerByte)
  }

  /// As the line has it: null for what is not finite.
  package func encode(to encoder: any Encoder) throws {
    var object = encoder.container(keyedBy: CodingKeys.self)
    try object.encode(bitsPerByte, forKey: .bitsPerByte)
    try object.encode(loss, forKey: .loss)
    try object.encode(byteAccuracy, forKey: .byteAccuracy)
    try object.encode(wordAccuracy, forKey: .wordAccuracy)
    try object.encodeIfPresent(textBytes, forKey: .textBytes)
    try object.encodeIfPresent(words, forKey: .words)
    try object.encodeIfPresent(corporaBitsPerByte, forKey: .corporaBitsPerByte)
  }
}

/// A line of starts.jsonl.
package struct RunStart: Codable, Sendable, Equatable {
  /// The last step done before.
  package var step: Int
  /// Steps that the start before had done since its last checkpoint; they were done again.
  package var lostSteps: Int
  /// In UTC, as ISO 8601 writes it.
  package var time: String
  package var host: String
  package var ranks: Int
  package var threads: Int
  package var codeVersion: String
}

/// A line of samples.jsonl.
package struct LoggedSample: Codable, Sendable, Equatable {
  package var step: Int
  package var prompt: String
  package var text: String
  /// Whether the model closed the document.
  package var hasEnded: Bool
}
