import Foundation
import HATCore
import HATDistributed
import HATText

/// Micro-batches of text from a mixture of corpora. A separate thread reads, decompresses, packs and tokenizes ahead of the
/// computation.
package final class TextMicroBatches<MicroBatch: Sendable>: MicroBatchSource {
  /// Converts a batch of words into a micro-batch of the model.
  package typealias Conversion = (Batch) -> MicroBatch

  private struct Step: Sendable {
    let microBatches: [MicroBatch]
    let cursor: MixtureCursor
    let epochs: [Double]
  }

  private let mixture: Mixture
  private let configuration: Configuration
  private let steps: Prefetcher<Step>
  private let convert: Conversion
  /// After the steps that were returned, not those read ahead.
  private var position: MixtureCursor
  private var lastStep: MixtureCursor
  package private(set) var epochs: [Double]

  /// Steps read ahead. One would suffice on average; the second covers a frame that takes long.
  private static var stepsAhead: Int { 2 }
  /// The most held-out text used in an evaluation, in steps' worth of sequences.
  private static var heldOutSteps: Int { 8 }

  /// - Parameters:
  ///   - cursor: a `MixtureCursor` as JSON; nil for the start.
  ///   - owned: the indices of this rank's micro-batches of each step.
  ///   - makeConversion: makes one for each thread.
  package init(
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

  package func cursor() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(position), as: UTF8.self)
  }

  package func nextStep() throws -> [MicroBatch] {
    let step = try steps.next()
    (lastStep, position, epochs) = (position, step.cursor, step.epochs)
    return step.microBatches
  }

  /// Reads the step again. Each document is named as `inspect shard` takes it.
  package func documentsOfLastStep() throws -> [[String]] {
    let stream = try Self.stream(mixture, configuration, at: lastStep)
    return try (0..<configuration.training.microBatches).map { _ in
      var names: [String] = []
      for _ in 0..<configuration.sequencesPerMicroBatch {
        names += try stream.namesOfNextSequence().map { "\($0.shard) --document \($0.document)" }
          .filter { $0 != names.last }
      }
      return names
    }
  }

  /// Held-out micro-batches of each corpus in proportion to its weight: at least one, and no more than its held-out text gives.
  package func heldOut(owned: (Int) -> Bool) throws -> HeldOut<MicroBatch> {
    let limit = Self.heldOutSteps * configuration.training.microBatches
    var heldOut = HeldOut<MicroBatch>(counts: [], owned: [])
    var index = 0
    for part in mixture.parts {
      let first = index
      let end = first + max(1, Int((Double(limit) * part.weight).rounded()))
      let stream = try text(of: part.corpus, .holdout)
      while index < end, let batch = try nextMicroBatch(stream) {
        if owned(index) { heldOut.owned.append(convert(batch)) }
        index += 1
      }
      heldOut.counts.append(index - first)
    }
    return heldOut
  }

  package var hasPreferencePairs: Bool { mixture.documents == .preferences }

  package func preferencePairs(owned: (Int) -> Bool) throws -> HeldOut<MicroBatch> {
    var pairs = HeldOut<MicroBatch>(counts: [], owned: [])
    var index = 0
    for corpus in mixture.parts.map(\.corpus) {
      let first = index
      for part in CorpusPart.allCases {
        let stream = try text(of: corpus, part)
        while let batch = try nextMicroBatch(stream) {
          if owned(index) { pairs.owned.append(convert(batch)) }
          index += 1
        }
      }
      pairs.counts.append(index - first)
    }
    return pairs
  }

  private func text(of corpus: Corpus, _ part: CorpusPart) throws -> EvaluationStream {
    let data = configuration.data
    return try EvaluationStream(
      corpus: corpus, part: part, sequenceWords: data.sequenceWords, sequenceBytes: data.sequenceBytes)
  }

  /// A micro-batch of sequences, or the rest.
  private func nextMicroBatch(_ stream: EvaluationStream) throws -> Batch? {
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
  package convenience init(_ mixture: Mixture, _ configuration: Configuration, cursor: String?, owned: [Int])
    throws
  {
    try self.init(mixture, configuration, cursor: cursor, owned: owned) { { $0 } }
  }
}

extension TextMicroBatches<TokenBatch> {
  /// Batches of the tokens of a vocabulary.
  package convenience init(
    _ mixture: Mixture, _ configuration: Configuration, cursor: String?, owned: [Int],
    _ vocabulary: SubwordVocabulary
  ) throws {
    try self.init(mixture, configuration, cursor: cursor, owned: owned) {
      TokenBatcher(vocabulary).tokens(of:)
    }
  }
}
