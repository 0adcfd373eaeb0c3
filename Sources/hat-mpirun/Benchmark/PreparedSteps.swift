import HAT
import HATCore
import HATDistributed
import HATText

/// Batches of words by step, then by owned micro-batch.
enum PreparedSteps {
  /// Steps of a corpus.
  static func of(
    _ corpus: Corpus, _ configuration: Configuration, steps: Int, owned: [Int]
  ) throws -> [[Batch]] {
    let source = try TextMicroBatches(
      Mixture([(corpus, 1)]), configuration, cursor: nil, owned: owned)
    return try (0..<steps).map { _ in try source.nextStep() }
  }

  /// Steps of a text, which is repeated as often as needed.
  static func of(
    text bytes: [UInt8], splitter: WordSplitter, _ configuration: Configuration, steps: Int, owned: [Int]
  ) -> [[Batch]] {
    var (words, start): ([ArraySlice<UInt8>], Int) = ([], 0)
    for length in splitter.split(bytes) {
      words.append(bytes[start..<start + Int(length)])
      start += Int(length)
    }
    var position = 0
    func sequence() -> Batch {
      var (batch, room) = (Batch(), configuration.data.sequenceBytes - 1)
      batch.appendDocumentMark()
      for _ in 1..<max(2, configuration.data.sequenceWords) where words[position].count <= room {
        room -= words[position].count
        batch.appendWord(words[position])
        position = (position + 1) % words.count
      }
      batch.appendDocumentMark()
      batch.endPiece()
      return batch
    }
    func microBatch() -> Batch {
      (0..<configuration.sequencesPerMicroBatch).reduce(into: Batch()) { batch, _ in batch.append(sequence())
      }
    }
    return (0..<steps).map { _ in
      let all = (0..<configuration.training.microBatches).map { _ in microBatch() }
      return owned.map { all[$0] }
    }
  }
}

/// The micro-batches of a few steps, made before anything is measured and then repeated.
final class PreparedMicroBatches<MicroBatch>: MicroBatchSource {
  /// By step, then by owned micro-batch.
  private let steps: [[MicroBatch]]
  /// Of a step, on all ranks together.
  private let microBatches: Int
  private var next = 0

  init(steps: [[MicroBatch]], of microBatches: Int) {
    (self.steps, self.microBatches) = (steps, microBatches)
  }

  func cursor() throws -> String { String(next) }

  var epochs: [Double] { [] }

  func nextStep() throws -> [MicroBatch] {
    defer { next += 1 }
    return steps[next % steps.count]
  }

  /// They have no names.
  func documentsOfLastStep() throws -> [[String]] { Array(repeating: [], count: microBatches) }

  func heldOut(owned: (Int) -> Bool) throws -> HeldOut<MicroBatch> { HeldOut(counts: [], owned: []) }
}
