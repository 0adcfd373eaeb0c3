import HATKernels

/// Everything that decides a training run besides its data (cli.md).
public struct Configuration: Sendable, Equatable {
  public var model = ModelConfiguration()
  public var data = DataConfiguration()
  public var training = TrainingConfiguration()
  public var output = OutputConfiguration()

  public init() {}
}

/// How documents become sequences.
public struct DataConfiguration: Sendable, Equatable {
  /// Target words of a sequence, at most.
  public var sequenceWords = 256
  /// Bytes of a sequence's target words, at most.
  public var sequenceBytes = 2048
  /// Of the order of documents and of the first parameters.
  public var seed: UInt64 = 1

  public init() {}
}

/// The optimiser's settings (model.md §6).
public struct TrainingConfiguration: Sendable, Equatable {
  public var steps = 500
  /// Sequences of the global batch, all ranks together.
  public var sequencesPerStep = 16
  /// Logical micro-batches of a step, all ranks together: what makes a run independent of the rank count.
  public var microBatches = 4
  /// nil for 3e-4 · 32 / heads of the backbone.
  public var peakLearningRate: Double?
  public var warmupSteps = 50
  /// Where the cosine ends, as a fraction of the peak.
  public var minimumLearningRate = 0.1
  public var weightDecay = 0.1
  /// The largest gradient norm let through.
  public var clip = 1.0
  /// Which of {moments, gradients, parameters} exist only as owned slices.
  public var zeroStage = 1
  /// How matrix products are computed; nil for as the run began, or else the fastest, where
  /// every rank's processor can.
  public var products: ProductArithmetic?
  /// What is computed twice to save memory.
  public var recompute = Recomputation.none
  /// How gradients travel between nodes.
  public var gradientExchange = GradientExchange.float32

  public init() {}
}

/// What a run leaves behind, in steps between; 0 for never.
public struct OutputConfiguration: Sendable, Equatable {
  public var checkpointEvery = 100
  /// Checkpoints kept, the newest ones.
  public var keep = 3
  public var evaluateEvery = 100

  public init() {}
}

extension Configuration {
  /// The peak learning rate in force (paper appendix B: 3e-4 · 32/H).
  public var peakLearningRate: Double {
    training.peakLearningRate ?? 3e-4 * 32 / Double(model.heads)
  }

  public var sequencesPerMicroBatch: Int { training.sequencesPerStep / training.microBatches }
}
