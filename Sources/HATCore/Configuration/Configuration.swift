import HATKernels

/// Everything that decides a training run, except its data (docs/cli.md).
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

/// The optimiser's settings (docs/model.md §6).
public struct TrainingConfiguration: Sendable, Equatable {
  public var steps = 500
  /// Sequences of the global batch, all ranks together.
  public var sequencesPerStep = 16
  /// Logical micro-batches of a step, all ranks together: what makes a run independent of the rank count.
  public var microBatches = 4
  /// nil for `OptimizerKind.usualLearningRate`.
  public var peakLearningRate: Double?
  public var warmupSteps = 50
  /// Where the cosine ends, as a fraction of the peak.
  public var minimumLearningRate = 0.1
  public var optimizer = OptimizerKind.adamw
  /// How much of the first moment stays from step to step.
  public var beta1 = 0.9
  /// How much of the second moment stays.
  public var beta2 = 0.95
  /// Added to the root of the second moment.
  public var epsilon = 1e-8
  /// How much of Muon's momentum stays from step to step.
  public var muonMomentum = 0.95
  /// How Muon makes its updates orthogonal.
  public var orthogonalization = Orthogonalization.newtonSchulz
  /// Steps of that with `newtonSchulz`.
  public var newtonSchulzSteps = 5
  /// Factors on the learning rate of some tensors.
  public var rates = LearningRateFactors()
  public var weightDecay = 0.1
  /// Gradients with a larger norm are scaled down to it.
  public var clip = 1.0
  /// β of direct preference optimisation: how strongly a model is held to the one that tuning began with.
  public var preferenceBeta = 0.1
  /// Which of {optimiser state, gradients, parameters} exist only as owned slices.
  public var zeroStage = 1
  /// What the factors of matrix products are rounded to.
  public var precision = Precision.float32
  /// The instructions that compute matrix products; nil for those of the run's last start, or at first the fastest that
  /// every rank's processor has.
  public var products: ProductInstructions?
  /// What is computed twice to save memory.
  public var recompute = Recomputation.none
  /// How gradients travel between nodes.
  public var gradientExchange = GradientExchange.float32

  public init() {}
}

/// What a run leaves behind, and how it is watched. Nothing here changes a result.
public struct OutputConfiguration: Sendable, Equatable {
  /// Steps between checkpoints; 0 for the last alone.
  public var checkpointEvery = 100
  /// Checkpoints kept, the newest ones.
  public var keep = 3
  /// Steps between evaluations on held-out text; 0 for none.
  public var evaluateEvery = 100
  /// Steps between samples of text; 0 for none.
  public var sampleEvery = 0
  /// What samples begin with.
  public var samplePrompt = ""
  /// Bytes of a sample behind its prompt, at most.
  public var sampleBytes = 200
  /// Whether events for TensorBoard are written.
  public var tensorBoard = false
  /// The file for Prometheus; empty for none.
  public var prometheus = ""

  public init() {}
}

extension Configuration {
  /// The peak learning rate in force.
  public var peakLearningRate: Double {
    training.peakLearningRate ?? training.optimizer.usualLearningRate(model)
  }

  public var sequencesPerMicroBatch: Int { training.sequencesPerStep / training.microBatches }
}

/// What a model reads and predicts.
public enum ModelKind: String, Sendable, CaseIterable, SettingValue {
  /// Words, spelled byte by byte (docs/model.md): the model this program is for.
  case hierarchical
  /// Tokens of a byte-pair vocabulary: the Llama-style baseline it is compared with (docs/subword.md).
  case subword
}

/// The rule that updates parameters.
public enum OptimizerKind: String, Sendable, CaseIterable, SettingValue {
  case adamw
  /// Hidden matrices by Muon, all else by AdamW.
  case muon

  /// The peak for a model: the paper's (appendix B), or what docs/recipe.md found for backbones up to 256 wide, and less beyond.
  func usualLearningRate(_ model: ModelConfiguration) -> Double {
    switch self {
    case .adamw: 3e-4 * 32 / Double(model.heads)
    case .muon: 6e-3 * min(1, (256 / Double(model.width)).squareRoot())
    }
  }
}

/// How Muon brings the singular values of its momentum near 1.
public enum Orthogonalization: String, Sendable, CaseIterable, SettingValue {
  /// The same step several times (Jordan et al. 2024).
  case newtonSchulz = "newton_schulz"
  /// Three steps that are the best together (Amsel et al., arXiv 2505.16932).
  case polarExpress = "polar_express"
}

/// What a backward pass computes a second time, to save memory. The result has the same bits.
public enum Recomputation: String, Sendable, CaseIterable, SettingValue {
  /// Every backbone block keeps its activations.
  case none
  /// A backbone block keeps only its input, and all but the last run forward again when they are differentiated.
  case blocks
}

/// How gradients travel between nodes; they are summed as floats in any case.
public enum GradientExchange: String, Sendable, CaseIterable, SettingValue {
  case float32
  /// Half the bytes: rounded to bfloat16, to the nearest, ties to even, once before each journey.
  case bf16
}

extension Precision: SettingValue {}
extension ProductInstructions: SettingValue {}

extension Configuration {
  /// What this machine computes with on its own: as asked for, if its processor can, or as measured.
  public var productsHere: ProductArithmetic { productsHere(in: training.precision) }

  /// The same in another precision than that of training.
  public func productsHere(in precision: Precision) -> ProductArithmetic {
    let wanted = training.products.flatMap { ProductArithmetic(precision, by: $0) }
    if let wanted, wanted.isAvailable { return wanted }
    return ProductTrial(self).fastest(precision)
  }
}
