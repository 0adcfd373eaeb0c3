import Foundation
import HATKernels
import HATText

/// A model as training sees it: tensors, and a loss with its gradient, of micro-batches of some kind. One instance serves
/// one thread at a time.
public protocol LanguageModel: AnyObject {
  /// The data of one call.
  associatedtype MicroBatch: PreferenceBatch

  var table: TensorTable { get }
  /// The threads it computes with, which others may use between its calls.
  var workers: WorkerPool { get }
  /// Of its matrix products.
  var arithmetic: ProductArithmetic { get }
  /// Where the time of its calls goes.
  var profile: StepProfile { get }

  /// The loss of a batch, and its gradient: the gradients of `memory` are overwritten with those of the *sum* over
  /// target positions that count, or over preference pairs (`Execution.preferenceBeta`). After several batches, divide once by
  /// their global number of positions or pairs (docs/model.md §5).
  /// - Throws: what `memory` throws.
  func lossAndGradient<Memory: ModelMemory>(
    _ batch: MicroBatch, _ memory: Memory
  ) throws(Memory.Failure) -> LossSum

  /// The loss of a batch.
  /// - Throws: what `parameters` throw.
  func loss<Parameters: ModelParameters>(
    _ batch: MicroBatch, _ parameters: Parameters
  ) throws(Parameters.Failure) -> LossSum

  /// log π(chosen) - log π(rejected) of each preference pair of a batch, over the words that count. [pairs]
  /// - Throws: what `parameters` throw.
  func preferenceMargins<Parameters: ModelParameters>(
    _ batch: MicroBatch, _ parameters: Parameters
  ) throws(Parameters.Failure) -> [Double]

  /// Floating-point operations of `lossAndGradient` by the plain algorithm (docs/performance.md).
  func trainingFLOPs(_ batch: MicroBatch) -> Double
}

extension HierarchicalTransformer {
  public var workers: WorkerPool { execution.workers }
  public var arithmetic: ProductArithmetic { execution.arithmetic }
}

extension SubwordTransformer {
  public var workers: WorkerPool { execution.workers }
  public var arithmetic: ProductArithmetic { execution.arithmetic }
}

/// How a model computes, planned before the first batch and the same for every batch.
public struct Execution {
  /// The largest micro-batch; it sizes the arena.
  public var capacity: BatchCapacity
  /// What a backward pass computes a second time.
  public var recomputation: Recomputation
  /// Of matrix products.
  public var arithmetic: ProductArithmetic
  /// β of the loss of preference pairs.
  public var preferenceBeta = 0.1
  /// The threads of a rank, which model and optimiser use one after the other. Results are the same for any number.
  public var workers: WorkerPool

  public init(
    capacity: BatchCapacity, recomputation: Recomputation = .none,
    arithmetic: ProductArithmetic = .fusedMultiplyAdds, workers: WorkerPool = WorkerPool(threads: 1)
  ) {
    (self.capacity, self.recomputation) = (capacity, recomputation)
    (self.arithmetic, self.workers) = (arithmetic, workers)
  }

  /// For the micro-batches of a configuration.
  public init(
    _ configuration: Configuration, maxWordBytes: Int, arithmetic: ProductArithmetic,
    workers: WorkerPool = WorkerPool(threads: 1)
  ) {
    self.init(
      capacity: BatchCapacity(configuration, maxWordBytes: maxWordBytes),
      recomputation: configuration.training.recompute, arithmetic: arithmetic, workers: workers)
    preferenceBeta = configuration.training.preferenceBeta
  }
}

/// The size of the largest micro-batch.
public struct BatchCapacity: Sendable, Equatable {
  /// Input words (and as many target words), or tokens, of all pieces.
  public let positions: Int
  /// The same, of one piece.
  public let piecePositions: Int
  /// Bytes of one word, for a model that spells.
  public let wordBytes: Int

  public init(positions: Int, piecePositions: Int, wordBytes: Int) {
    (self.positions, self.piecePositions, self.wordBytes) = (positions, piecePositions, wordBytes)
  }

  /// Sequences of words (docs/model.md §3).
  public init(sequences: Int, sequenceWords: Int, maxWordBytes: Int) {
    self.init(
      positions: sequences * sequenceWords, piecePositions: sequenceWords, wordBytes: maxWordBytes)
  }

  /// The sequences of a micro-batch, in the units of the configuration's model.
  /// - Parameters:
  ///   - sequences: nil for those of a micro-batch in training.
  ///   - bytesPerToken: of the text, for a model of tokens; 1 for any text there is.
  public init(
    _ configuration: Configuration, sequences: Int? = nil, maxWordBytes: Int, bytesPerToken: Double = 1
  ) {
    let sequences = sequences ?? configuration.sequencesPerMicroBatch
    switch configuration.model.kind {
    case .hierarchical:
      self.init(
        sequences: sequences, sequenceWords: configuration.data.sequenceWords, maxWordBytes: maxWordBytes)
    case .subword:
      let tokens = Int((Double(configuration.data.sequenceBytes) / bytesPerToken).rounded(.up))
      self.init(positions: sequences * tokens, piecePositions: tokens, wordBytes: maxWordBytes)
    }
  }
}

/// The loss of a batch, as sums: those of several batches add up (docs/model.md §5). Of preference pairs positions, bytes and
/// words are those of the chosen answers.
public struct LossSum: Sendable, Equatable, Codable, BitwiseCopyable {
  /// Cross-entropy summed over all target positions that count.
  public var nats = 0.0
  /// Positions predicted: bytes and word marks, or tokens, and marks of documents and dialogues.
  public var targetPositions = 0
  /// Bytes of text predicted.
  public var textBytes = 0
  /// Text bytes predicted one by one: all of them, or none where tokens are predicted.
  public var spelledBytes = 0
  /// Those of them whose arg-max was right.
  public var correctBytes = 0
  /// Target words of text, document marks left out.
  public var words = 0
  /// Words right at every position, the closing `[W]` included, or in every token they reach into (paper eq. 15–16).
  public var correctWords = 0
  /// Preference pairs.
  public var pairs = 0
  /// Their loss.
  public var preferenceNats = 0.0
  /// Those of them whose chosen answer the model prefers more than the reference does.
  public var preferredPairs = 0
  /// β times by how much more, in nats, summed over the pairs.
  public var reward = 0.0

  public init() {}

  /// Counts a target word of `bytes` bytes, of which `right` are right, and its mark.
  mutating func countWord(bytes: Int, right: Int, isMarkRight: Bool) {
    textBytes += bytes
    spelledBytes += bytes
    correctBytes += right
    words += 1
    if right == bytes && isMarkRight { correctWords += 1 }
  }

  public static func + (first: LossSum, second: LossSum) -> LossSum {
    var sum = first
    sum.nats += second.nats
    sum.targetPositions += second.targetPositions
    sum.textBytes += second.textBytes
    sum.spelledBytes += second.spelledBytes
    sum.correctBytes += second.correctBytes
    sum.words += second.words
    sum.correctWords += second.correctWords
    sum.pairs += second.pairs
    sum.preferenceNats += second.preferenceNats
    sum.preferredPairs += second.preferredPairs
    sum.reward += second.reward
    return sum
  }

  /// What a mean loss is a mean of: target positions, or preference pairs.
  public var terms: Int { pairs > 0 ? pairs : targetPositions }
  /// Nats per target position, or per preference pair: what training minimises.
  public var loss: Double { (pairs > 0 ? preferenceNats : nats) / Double(terms) }
  /// The marks' nats count, their positions do not: they are the price of the split.
  public var bitsPerByte: Double { nats / log(2) / Double(textBytes) }
  public var isFinite: Bool { nats.isFinite && preferenceNats.isFinite }
  /// Not a number where tokens are predicted.
  public var byteAccuracy: Double { Double(correctBytes) / Double(spelledBytes) }
  public var wordAccuracy: Double { Double(correctWords) / Double(words) }
  /// Not a number without preference pairs, as is the mean reward.
  public var preferenceAccuracy: Double { Double(preferredPairs) / Double(pairs) }
  public var meanReward: Double { reward / Double(pairs) }
}
