import Foundation
import HATCore
import HATDistributed
import HATStorage
import HATText

/// A corpus as the trainer sees it: every rank walks the whole stream and builds its own micro-batches.
final class TextMicroBatches: MicroBatchSource {
  private let corpus: Corpus
  private let configuration: Configuration
  private let stream: TrainingStream
  private var lastStep = StreamCursor()
  /// Held-out text measured at an evaluation, at most, in steps' worth of sequences.
  private static let heldOutSteps = 8

  /// - Parameter cursor: a `StreamCursor` as JSON; nil is the start.
  init(_ corpus: Corpus, _ configuration: Configuration, cursor: String?) throws {
    self.corpus = corpus
    self.configuration = configuration
    stream = try Self.stream(
      corpus, configuration,
      at: try cursor.map { try JSONDecoder().decode(StreamCursor.self, from: Data($0.utf8)) })
  }

  private static func stream(
    _ corpus: Corpus, _ configuration: Configuration, at cursor: StreamCursor?
  ) throws -> TrainingStream {
    let data = configuration.data
    return try TrainingStream(
      corpus: corpus, seed: data.seed, sequenceWords: data.sequenceWords, sequenceBytes: data.sequenceBytes,
      cursor: cursor)
  }

  func cursor() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(stream.cursor), as: UTF8.self)
  }

  func nextStep(owned: Range<Int>) throws -> [Batch] {
    lastStep = stream.cursor
    var batches: [Batch] = []
    for index in 0..<configuration.training.microBatches {
      if owned.contains(index) {
        batches.append(try nextMicroBatch())
      } else {
        for _ in 0..<configuration.sequencesPerMicroBatch { try stream.skipSequence() }
      }
    }
    return batches
  }

  func documentsOfLastStep() throws -> [[String]] {
    let stream = try Self.stream(corpus, configuration, at: lastStep)
    return try (0..<configuration.training.microBatches).map { _ in
      var names: [String] = []
      for _ in 0..<configuration.sequencesPerMicroBatch {
        names += try stream.namesOfNextSequence().filter { $0 != names.last }
      }
      return names
    }
  }

  private func nextMicroBatch() throws -> Batch {
    var batch = Batch()
    for _ in 0..<configuration.sequencesPerMicroBatch { batch.append(try stream.nextSequence()) }
    return batch
  }

  func heldOut(owned: (Int) -> Bool) throws -> (count: Int, owned: [Batch]) {
    let data = configuration.data
    let stream = try EvaluationStream(
      corpus: corpus, part: .holdout, sequenceWords: data.sequenceWords, sequenceBytes: data.sequenceBytes)
    let limit = Self.heldOutSteps * configuration.training.microBatches
    var (count, batches): (Int, [Batch]) = (0, [])
    while count < limit, let batch = try nextHeldOut(stream) {
      if owned(count) { batches.append(batch) }
      count += 1
    }
    return (count, batches)
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
