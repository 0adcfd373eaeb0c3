import HATCore
import HATDistributed
import HATText

/// The micro-batches of a few steps, made before anything is measured and given again and again.
final class PreparedMicroBatches: MicroBatchSource {
  /// By step, then by owned micro-batch.
  private let steps: [[Batch]]
  private var next = 0

  init(steps: [[Batch]]) {
    self.steps = steps
  }

  func cursor() throws -> String { String(next) }

  var epochs: [Double] { [] }

  func nextStep() throws -> [Batch] {
    defer { next += 1 }
    return steps[next % steps.count]
  }

  func documentsOfLastStep() throws -> [[String]] { [] }

  func heldOut(owned: (Int) -> Bool) throws -> HeldOut<Batch> { HeldOut(counts: [], owned: []) }
}

extension PreparedMicroBatches {
  /// Steps of a corpus.
  convenience init(_ corpus: Corpus, _ configuration: Configuration, steps: Int, owned: [Int]) throws {
    let source = try TextMicroBatches(
      Mixture([(corpus, 1)]), configuration, cursor: nil, owned: owned)
    self.init(steps: try (0..<steps).map { _ in try source.nextStep() })
  }

  /// Steps of a text that is read over and over.
  convenience init(
    text bytes: [UInt8], splitter: WordSplitter, _ configuration: Configuration, steps: Int, owned: [Int]
  ) {
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
    self.init(
      steps: (0..<steps).map { _ in
        let all = (0..<configuration.training.microBatches).map { _ in microBatch() }
        return owned.map { all[$0] }
      })
  }
}
