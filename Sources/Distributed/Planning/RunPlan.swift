import Foundation
import HATCore

/// A training that the dial has chosen, and what is expected of it.
public struct RunPlan: Sendable, Equatable {
  public let size: ModelSize
  public let configuration: Configuration
  public let trainingFlopsPerByte: Double
  /// Bytes of text read, each once.
  public let textBytes: Int
  /// Bytes of text there are.
  public let availableTextBytes: Int
  /// Bytes of text of a step.
  public let batchBytes: Int
  /// Bytes of a step if it did not need a sequence for every rank; nil where `batchBytes` is about the same.
  public let usualBatchBytes: Int?
  /// From start to end.
  public let seconds: Double
  /// Held-out text.
  public let expected: ScalingLaw.Prediction
  /// The same of a subword baseline of as many FLOPs for the same text.
  public let baseline: ScalingLaw.Prediction
  public let extrapolation: ScalingLaw.Extrapolation
  /// Settings that the runs of the law had otherwise: the expectation does not know of them.
  public let changedSettings: [String]
  /// What the time would go into if there were more text; nil where there is enough.
  public let withEnoughText: Wish?
  /// What would be better, but does not fit into memory; nil where the best fits.
  public let withEnoughMemory: Wish?

  /// A training that cannot be.
  public struct Wish: Sendable, Equatable {
    public let size: ModelSize
    public let textBytes: Int
    public let bitsPerByte: Double
    /// Bytes of a rank.
    public let memory: Int
  }
}

/// A training of a size, on as much text as time and text allow.
struct RunCandidate {
  let size: ModelSize
  var configuration: Configuration
  let flopsPerByte: Double
  /// Bytes that time and text allow.
  let textBytes: Double
  let batchBytes: Double
  let usualBatchBytes: Double

  /// Grows with the text from what was found best at `tiny` (docs/recipe.md) to about what `base` has: 12 kB for 7 MB, 280 kB
  /// for 18 GB.
  static func usualBatchBytes(textBytes: Double) -> Double { 12e3 * pow(textBytes / 7e6, 0.4) }
  /// Words of a micro-batch, about, as the presets have them.
  private static let microBatchWords = 1024
  private static let longestWarmup = 500
  /// Sooner than after so many steps, evaluations and checkpoints would take more than the few per cent of time left for them.
  private static let fewestStepsBetweenOutputs = 50
  /// A crash costs at most this.
  private static let secondsBetweenCheckpoints = 900.0

  /// - Parameter textLimit: bytes of text there are.
  init(
    _ size: ModelSize, recipe: Configuration, _ budget: TrainingBudget, _ text: TrainingText,
    textLimit: Double
  ) {
    var configuration = recipe
    size.apply(to: &configuration.model)
    func cost() -> Double { ModelCost.trainingPasses * text.assumed.forwardPerByte(configuration) }
    func readable() -> Double { min(textLimit, budget.flops / cost()) }
    Self.setSequences(&configuration.data, words: 256, text)
    Self.setSequences(&configuration.data, words: Self.sequenceWords(textBytes: readable()), text)
    (self.size, flopsPerByte, textBytes) = (size, cost(), readable())
    usualBatchBytes = Self.usualBatchBytes(textBytes: textBytes)
    let sequence = text.assumed.sequenceWords(configuration.data) * text.bytesPerWord
    let sequencesPerRank = usualBatchBytes / sequence / Double(budget.ranks)
    Self.setBatch(&configuration, sequencesPerRank: sequencesPerRank, budget.ranks)
    batchBytes = sequence * Double(configuration.training.sequencesPerStep)
    configuration.training.steps = Int(textBytes / batchBytes)
    configuration.training.warmupSteps = min(Self.longestWarmup, configuration.training.steps / 10)
    Self.setOutput(&configuration, stepSeconds: budget.seconds(flops: flopsPerByte * batchBytes))
    self.configuration = configuration
  }

  var steps: Int { configuration.training.steps }
  /// Larger than rounding makes it: every rank needs a sequence.
  var hasLargeBatch: Bool { batchBytes > 1.5 * usualBatchBytes }
  /// Bytes of text of all steps.
  var bytesOfSteps: Double { Double(steps) * batchBytes }

  /// As the presets.
  private static func sequenceWords(textBytes: Double) -> Int {
    textBytes < 64e6 ? 256 : textBytes < 4e9 ? 512 : 1024
  }

  private static func setSequences(_ data: inout DataConfiguration, words: Int, _ text: TrainingText) {
    (data.sequenceWords, data.sequenceBytes) = (words, max(8 * words, text.maxWordBytes))
  }

  /// At least a sequence for every rank; for each rank a number of micro-batches that is a power of two, so that twice as many
  /// ranks, or half as many, may go on with the run.
  private static func setBatch(_ configuration: inout Configuration, sequencesPerRank: Double, _ ranks: Int) {
    let microBatches =
      sequencesPerRank * Double(configuration.data.sequenceWords) / Double(microBatchWords)
    let rounds = microBatches > 1 ? 1 << Int(log2(microBatches).rounded()) : 1
    let sequences = max(1, Int((sequencesPerRank / Double(rounds)).rounded()))
    configuration.training.microBatches = ranks * rounds
    configuration.training.sequencesPerStep = ranks * rounds * sequences
  }

  /// Ten evaluations and checkpoints, or fewer; more checkpoints where a tenth of the run takes long.
  private static func setOutput(_ configuration: inout Configuration, stepSeconds: Double) {
    let tenth = max(fewestStepsBetweenOutputs, configuration.training.steps / 10)
    let often = max(1, Int(min(secondsBetweenCheckpoints / stepSeconds, Double(tenth))))
    configuration.output.evaluateEvery = tenth
    configuration.output.checkpointEvery = min(tenth, often)
    configuration.output.keep = 3
  }
}
