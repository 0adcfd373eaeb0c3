import HATCore

/// One line of metrics.jsonl (design/cli.md).
public struct StepRecord: Sendable, Equatable {
  /// Counted from 1.
  public var step: Int
  /// Nats per target position.
  public var loss: Double
  public var bitsPerByte: Double
  /// Bytes of text predicted.
  public var targetBytes: Int
  /// Of the mean gradient, before clipping.
  public var gradientNorm: Double
  public var learningRate: Double
  public var stepSeconds: Double
  public var bytesPerSecond: Double
  public var wordsPerSecond: Double
  /// By the plain algorithm (design/performance.md, "Counting").
  public var modelFLOPsPerSecond: Double
  /// The part of the step in which the rank that waited longest had no data to compute with.
  public var dataWaitSeconds: Double
  /// Steps not applied since the run began, this one included.
  public var skippedSteps: Int
  /// For which training stood still between the step before and this one.
  public var checkpointStallSeconds: Double
  /// How many times each corpus has been gone through; empty for data that have no end.
  public var epochs: [Double]
  /// Of rank 0.
  public var phases: PhaseSeconds

  init(
    step: Int, sum: LossSum, gradientNorm: Double, learningRate: Double, flops: Double, seconds: Double,
    dataWaitSeconds: Double, skippedSteps: Int, checkpointStallSeconds: Double, epochs: [Double],
    phases: PhaseSeconds
  ) {
    self.step = step
    loss = sum.loss
    bitsPerByte = sum.bitsPerByte
    targetBytes = sum.textBytes
    self.gradientNorm = gradientNorm
    self.learningRate = learningRate
    stepSeconds = seconds
    bytesPerSecond = Double(sum.textBytes) / seconds
    wordsPerSecond = Double(sum.words) / seconds
    modelFLOPsPerSecond = flops / seconds
    self.dataWaitSeconds = dataWaitSeconds
    self.skippedSteps = skippedSteps
    self.checkpointStallSeconds = checkpointStallSeconds
    self.epochs = epochs
    self.phases = phases
  }

  /// One JSON object; every double reads back as itself.
  public var line: String {
    JSONLine.object(
      [
        ("step", step), ("loss", loss), ("bits_per_byte", bitsPerByte), ("target_bytes", targetBytes),
        ("gradient_norm", gradientNorm), ("learning_rate", learningRate), ("step_seconds", stepSeconds),
        ("bytes_per_second", bytesPerSecond), ("words_per_second", wordsPerSecond),
        ("model_flops_per_second", modelFLOPsPerSecond), ("data_wait_seconds", dataWaitSeconds),
        ("skipped_steps", skippedSteps), ("checkpoint_stall_seconds", checkpointStallSeconds),
        ("compute_seconds", phases[.compute]), ("wait_seconds", phases[.wait]),
        ("reduction_seconds", phases[.reduction]), ("exchange_seconds", phases[.exchange]),
        ("update_seconds", phases[.update]),
      ], lists: [("epochs", epochs)])
  }
}

/// Numbers as one line of JSON, in the order given.
enum JSONLine {
  /// - Parameter lists: those that are empty are left out.
  static func object(_ entries: [(String, any Numeric)], lists: [(String, [Double])] = []) -> String {
    // Swift writes the shortest digits that read back as the same double.
    let fields =
      entries.map { name, value in "\"\(name)\":\(text(value))" }
      + lists.filter { !$0.1.isEmpty }.map { name, values in
        "\"\(name)\":[\(values.map(text).joined(separator: ","))]"
      }
    return "{\(fields.joined(separator: ","))}"
  }

  /// JSON knows no infinities: a quotient without a denominator is null.
  private static func text(_ value: any Numeric) -> String {
    if let value = value as? Double, !value.isFinite { return "null" }
    return "\(value)"
  }
}
