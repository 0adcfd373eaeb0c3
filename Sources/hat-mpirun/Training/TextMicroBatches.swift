import Foundation
import HATCore
import HATDistributed
import HATText

/// Corpora as the trainer sees them. Reading, decompressing, packing and writing with tokens happen on a thread of their
/// own, ahead of the computation.
final class TextMicroBatches<MicroBatch: Sendable>: MicroBatchSource {
  /// What makes a batch of words one of the model's.
  typealias Conversion = (Batch) -> MicroBatch

  private struct Step: Sendable {
    let microBatches: [MicroBatch]
    let cursor: MixtureCursor
    let epochs: [Double]
  }

  private let mixture: Mixture
  private let configuration: Configuration
  private let steps: Prefetcher<Step>
  private let convert: Conversion
  /// Of the steps handed out, not of those that wait.
  private var position: MixtureCursor
  private var lastStep: MixtureCursor
  private(set) var epochs: [Double]

  /// Steps read ahead. One would do for the mean; the second is for a frame that takes long.
  private static var stepsAhead: Int { 2 }
  /// Held-out text measured at an evaluation, at most, in steps' worth of sequences.
  private static var heldOutSteps: Int { 8 }

  /// - Parameters:
  ///   - cursor: a `MixtureCursor` as JSON; nil is the start.
  ///   - owned: this rank's micro-batches of each step.
  ///   - makeConversion: makes one for each thread.
  init(
    _ mixture: Mixture, _ configuration: Configuration, cursor: String?, owned: [Int],
    makeConversion: () -> Conversion
  ) throws {
    self.mixture = mixture
    self.configuration = configuration
    let stream = try Self.stream(
      mixture, configuration,
      at: try cursor.map { try JSONDecoder().decode(MixtureCursor.self, from: Data($0.utf8)) })
    (position, lastStep, epochs) = (stream.cursor, stream.cursor, stream.epochs)
    let microBatches = MicroBatchStream(
      stream, microBatches: configuration.training.microBatches,
      sequencesPerMicroBatch: configuration.sequencesPerMicroBatch, owned: owned)
    convert = makeConversion()
    let convertAhead = makeConversion()
    steps = Prefetcher(depth: Self.stepsAhead) {
      let step = try microBatches.nextStep()
      return Step(
        microBatches: step.microBatches.map(convertAhead), cursor: step.cursor, epochs: step.epochs)
    }
  }

  private static func stream(
    _ mixture: Mixture, _ configuration: Configuration, at cursor: MixtureCursor?
  ) throws -> MixedStream {
    let data = configuration.data
    return try MixedStream(
      mixture, seed: data.seed, sequenceWords: data.sequenceWords, sequenceBytes: data.sequenceBytes,
      cursor: cursor)
  }

  func cursor() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(position), as: UTF8.self)
  }

  func nextStep() throws -> [MicroBatch] {
    let step = try steps.next()
    (lastStep, position, epochs) = (position, step.cursor, step.epochs)
    return step.microBatches
  }

  /// Walks the step once more.
  func documentsOfLastStep() throws -> [[String]] {
    let stream = try Self.stream(mixture, configuration, at: lastStep)
    return try (0..<configuration.training.microBatches).map { _ in
      var names: [String] = []
      for _ in 0..<configuration.sequencesPerMicroBatch {
        names += try stream.namesOfNextSequence().filter { $0 != names.last }
      }
      return names
    }
  }

  /// Of each corpus as many as its weight says, at least one, as far as it has held-out text.
  func heldOut(owned: (Int) -> Bool) throws -> HeldOut<MicroBatch> {
    let limit = Self.heldOutSteps * configuration.training.microBatches
    var heldOut = HeldOut<MicroBatch>(counts: [], owned: [])
    var index = 0
    for part in mixture.parts {
      let first = index
      let end = first + max(1, Int((Double(limit) * part.weight).rounded()))
      let stream = try heldOutText(of: part.corpus)
      while index < end, let batch = try nextHeldOut(stream) {
        if owned(index) { heldOut.owned.append(convert(batch)) }
        index += 1
      }
      heldOut.counts.append(index - first)
    }
    return heldOut
  }

  private func heldOutText(of corpus: Corpus) throws -> EvaluationStream {
    let data = configuration.data
    return try EvaluationStream(
      corpus: corpus, part: .holdout, sequenceWords: data.sequenceWords, sequenceBytes: data.sequenceBytes)
  }

  /// As many sequences as a micro-batch has, or what is left.
  private func nextHeldOut(_ stream: EvaluationStream) throws -> Batch? {
    var batch = Batch()
    for _ in 0..<configuration.sequencesPerMicroBatch {
      guard let sequence = try stream.nextSequence() else { break }
      batch.append(sequence)
    }
    return batch.pieceCount > 0 ? batch : nil
  }
}

extension TextMicroBatches<Batch> {
  /// Batches of words, as they are.
  convenience init(_ mixture: Mixture, _ configuration: Configuration, cursor: String?, owned: [Int]) throws {
    try self.init(mixture, configuration, cursor: cursor, owned: owned) { { $0 } }
  }
}

extension TextMicroBatches<TokenBatch> {
  /// Batches of the tokens of a vocabulary.
  convenience init(
    _ mixture: Mixture, _ configuration: Configuration, cursor: String?, owned: [Int],
    _ vocabulary: SubwordVocabulary
  ) throws {
    try self.init(mixture, configuration, cursor: cursor, owned: owned) {
      TokenBatcher(vocabulary).tokens(of:)
    }
  }
}
