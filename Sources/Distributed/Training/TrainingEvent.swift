import HATCore
import HATStorage

/// What rank 0 reports during training.
public enum TrainingEvent: Sendable {
  case started(TrainingStart)
  case step(StepRecord)
  /// A step that was not applied.
  case skipped(SkippedStep)
  /// The loss on held-out text: on all of it, and on that of each corpus.
  case evaluated(step: Int, LossSum, corpora: [LossSum])
  case checkpointed(step: Int, seconds: Double)
  /// Text that the model wrote.
  case sampled(step: Int, TextSample)
  /// A choice the run made, and why: threads, arithmetic, the tokenizer.
  case arranged(String)
  /// Where the ranks run; only with several ranks.
  case placed([RankPlacement])
  /// How much of the corpora has been read to learn a tokenizer.
  case countingWords(bytes: Int, of: Int)
  /// A damaged checkpoint was skipped.
  case damaged(UserError)
  /// A message for the user.
  case note(String)
}

/// Where a run starts or resumes.
public struct TrainingStart: Sendable, Equatable {
  /// Steps already done.
  public var step: Int
  /// Steps of the whole run.
  public var steps: Int
  public var ranks: Int
  public var parameters: Int
}

/// One line of metrics.jsonl (docs/cli.md).
public struct StepRecord: Sendable, Equatable {
  /// Counted from 1.
  public var step: Int
  /// Nats per target position, or per preference pair.
  public var loss: Double
  /// Of what counts; of preference pairs, of the chosen answers.
  public var bitsPerByte: Double
  /// Predicted bytes of text.
  public var targetBytes: Int
  /// Of the mean gradient, before clipping.
  public var gradientNorm: Double
  public var learningRate: Double
  public var stepSeconds: Double
  public var bytesPerSecond: Double
  public var wordsPerSecond: Double
  /// By the plain algorithm (docs/performance.md).
  public var modelFLOPsPerSecond: Double
  /// How long the rank that waited longest had no data to compute with.
  public var dataWaitSeconds: Double
  /// Steps skipped since the run began, including this one.
  public var skippedSteps: Int
  /// How long checkpoints paused training between the previous step and this one.
  public var checkpointStallSeconds: Double
  /// How many times each corpus has been read; empty for endless data.
  public var epochs: [Double]
  /// Of rank 0.
  public var phases: PhaseSeconds
  /// The share of preference pairs whose chosen answer the model prefers more than before it was tuned; nil without pairs.
  public var preferenceAccuracy: Double?
  /// β times by how much more, in nats, on average.
  public var preferenceReward: Double?

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
    if sum.pairs > 0 { (preferenceAccuracy, preferenceReward) = (sum.preferenceAccuracy, sum.meanReward) }
  }

  /// As one JSON object; every double reads back as itself.
  func write(to line: inout JSONLine) {
    line.begin()
    line.add("step", step)
    line.add("loss", loss)
    line.add("bits_per_byte", bitsPerByte)
    line.add("target_bytes", targetBytes)
    line.add("gradient_norm", gradientNorm)
    line.add("learning_rate", learningRate)
    line.add("step_seconds", stepSeconds)
    line.add("bytes_per_second", bytesPerSecond)
    line.add("words_per_second", wordsPerSecond)
    line.add("model_flops_per_second", modelFLOPsPerSecond)
    line.add("data_wait_seconds", dataWaitSeconds)
    line.add("skipped_steps", skippedSteps)
    line.add("checkpoint_stall_seconds", checkpointStallSeconds)
    line.add("compute_seconds", phases[.compute])
    line.add("wait_seconds", phases[.wait])
    line.add("reduction_seconds", phases[.reduction])
    line.add("exchange_seconds", phases[.exchange])
    line.add("update_seconds", phases[.update])
    if let preferenceAccuracy { line.add("preference_accuracy", preferenceAccuracy) }
    if let preferenceReward { line.add("preference_reward", preferenceReward) }
    if !epochs.isEmpty { line.add("epochs", epochs) }
    line.end()
  }
}
