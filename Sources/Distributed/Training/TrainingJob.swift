import HATCore
import HATKernels
import HATText
import SystemPackage

/// What is to be trained, and where it is kept.
public struct TrainingJob: Sendable {
  /// What to do with a run that is there already.
  public enum Resume: String, Sendable, CaseIterable {
    /// Go on from its newest valid checkpoint.
    case auto
    /// Refuse.
    case never
  }

  public var run: FilePath
  public var configuration: Configuration
  public var data: DataDescription
  public var resume: Resume
  /// Of a model of tokens.
  public var tokenizer: TokenizerFile?
  /// The checkpoint whose parameters the run begins with; nil where it begins with those of its seed.
  public var start: StartDescription?
  /// Of the matrix products.
  public var arithmetic: ProductArithmetic

  public init(
    run: FilePath, configuration: Configuration, data: DataDescription, resume: Resume = .auto,
    tokenizer: TokenizerFile? = nil, start: StartDescription? = nil,
    arithmetic: ProductArithmetic = .fusedMultiplyAdds
  ) {
    self.run = run
    self.configuration = configuration
    self.data = data
    self.resume = resume
    self.tokenizer = tokenizer
    self.start = start
    self.arithmetic = arithmetic
  }
}

/// How training ended.
public enum TrainingOutcome: Sendable, Equatable {
  case finished(step: Int)
  /// Asked to stop; a checkpoint of this step is written.
  case stopped(step: Int)
}
