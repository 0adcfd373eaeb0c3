import HATCore

/// What rank 0 tells whoever watches.
public enum TrainingEvent: Sendable {
  case started(TrainingStart)
  case step(StepRecord)
  /// A step that was not applied.
  case skipped(SkippedStep)
  /// Measured on held-out text: all of it, and that of each corpus.
  case evaluated(step: Int, LossSum, corpora: [LossSum])
  case checkpointed(step: Int, seconds: Double)
  /// Something the person running it should read.
  case note(String)
}

/// Where a run begins, or goes on.
public struct TrainingStart: Sendable, Equatable {
  /// Steps done already.
  public var step: Int
  /// Steps of the whole run.
  public var steps: Int
  public var ranks: Int
  public var parameters: Int
}
