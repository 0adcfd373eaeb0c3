import DistributedTestSupport
import Foundation
import HATText
import TestSupport
import Testing

@testable import HATDistributed

/// The ranks together get what one rank would get alone, for any number of ranks and restarts.
@Suite struct LoaderTests {
  @Test(arguments: 0..<24) func anyRanksAnyStops(trial: Int) throws {
    var random = ToyGenerator(seed: UInt64(1000 + trial))
    let corpora = try (0..<1 + random.below(3)).map { corpus in
      try LoaderCorpus(documents: 5 + random.below(60), name: "c\(corpus)", seed: random.next())
    }
    let loader = try Loader(
      corpora.map { ($0, Double(1 + random.below(5))) }, microBatches: 1 + random.below(12),
      sequencesPerMicroBatch: 1 + random.below(3),
      sequenceWords: 5 + random.below(60))
    let steps = 12 + random.below(20)
    let solo = try loader.alone(steps: steps)

    var (gathered, cursor): ([[Batch]], Data?) = ([], nil)
    while gathered.count < steps {
      let (more, end) = try loader.together(
        ranks: 1 + random.below(8), steps: min(1 + random.below(9), steps - gathered.count), from: cursor)
      (gathered, cursor) = (gathered + more, end)
    }
    #expect(gathered == solo)
    #expect(documents(gathered) == documents(solo))
  }

  /// Documents of ten targets, in sequences of two: the epoch of 40 ends with its twentieth sequence.
  @Test(arguments: 1...8) func theEndOfAnEpoch(ranks: Int) throws {
    let corpus = try LoaderCorpus(documents: 40, name: "c", wordsPerDocument: 9)
    let loader = try Loader(
      [(corpus, 1)], microBatches: 1, sequencesPerMicroBatch: 1,
      sequenceWords: 20)
    let solo = try loader.alone(steps: 60)
    for stop in [1, 7, 18, 19, 20, 21, 39, 40, 41] {
      let (first, cursor) = try loader.together(ranks: ranks, steps: stop, from: nil)
      let (second, again) = try loader.together(ranks: 9 - ranks, steps: 1, from: cursor)
      let (third, _) = try loader.together(ranks: ranks, steps: 60 - stop - 1, from: again)
      let names = documents(first + second + third)
      #expect(names == documents(solo), "stopped after \(stop)")
      for epoch in 0..<3 {
        #expect(names[epoch * 40..<(epoch + 1) * 40].sorted() == corpus.names.sorted())
      }
      #expect(Array(names[..<40]) != Array(names[40..<80]))
    }
  }

  /// Every document is begun once an epoch, in every corpus, whatever its weight.
  @Test(arguments: 0..<8) func everyDocumentOnceAnEpoch(trial: Int) throws {
    var random = ToyGenerator(seed: UInt64(2000 + trial))
    let corpora = try (0..<2).map { corpus in
      try LoaderCorpus(documents: 10 + random.below(40), name: "c\(corpus)", seed: random.next())
    }
    let loader = try Loader(
      corpora.map { ($0, Double(1 + random.below(3))) }, microBatches: 6,
      sequencesPerMicroBatch: 2, sequenceWords: 20 + random.below(20))
    let names = documents(try loader.together(ranks: 1 + random.below(8), steps: 60, from: nil).steps)
    for (index, corpus) in corpora.enumerated() {
      let own = names.filter { $0.hasPrefix("c\(index)-") }
      try #require(own.count >= corpus.names.count)
      for start in stride(from: 0, through: own.count - corpus.names.count, by: corpus.names.count) {
        #expect(own[start..<start + corpus.names.count].sorted() == corpus.names.sorted())
      }
    }
  }

  /// The names of the documents that begin, in order.
  private func documents(_ steps: [[Batch]]) -> [String] {
    steps.joined().flatMap { batch in
      (0..<batch.pieceCount).compactMap { piece in
        let words = batch.wordRange(ofPiece: piece)
        guard batch.isDocumentMark(words.lowerBound) else { return nil }
        return String(decoding: batch.bytes[batch.byteRange(ofWord: words.lowerBound + 1)], as: UTF8.self)
      }
    }
  }
}

/// A way to load a mixture.
private struct Loader {
  /// Kept, for their folders go with them.
  private let corpora: [LoaderCorpus]
  private let mixture: Mixture
  private let microBatches: Int
  private let sequencesPerMicroBatch: Int
  private let sequenceWords: Int

  init(
    _ corpora: [(LoaderCorpus, weight: Double)], microBatches: Int, sequencesPerMicroBatch: Int,
    sequenceWords: Int
  ) throws {
    self.corpora = corpora.map { $0.0 }
    mixture = try Mixture(corpora.map { ($0.0.corpus, $0.weight) })
    self.microBatches = microBatches
    self.sequencesPerMicroBatch = sequencesPerMicroBatch
    self.sequenceWords = sequenceWords
  }

  private func stream(owned: Range<Int>, cursor: Data?) throws -> MicroBatchStream {
    let stream = try MixedStream(
      mixture, seed: 3, sequenceWords: sequenceWords, sequenceBytes: 400,
      cursor: try cursor.map { try JSONDecoder().decode(MixtureCursor.self, from: $0) })
    return MicroBatchStream(
      stream, microBatches: microBatches, sequencesPerMicroBatch: sequencesPerMicroBatch, owned: owned)
  }

  /// Without anything read ahead.
  func alone(steps: Int) throws -> [[Batch]] {
    let stream = try stream(owned: 0..<microBatches, cursor: nil)
    return try (0..<steps).map { _ in try stream.nextStep().microBatches }
  }

  /// By ranks, each reading ahead: the micro-batches of each step, and the cursor all ranks have at the end.
  func together(ranks: Int, steps: Int, from cursor: Data?) throws -> (steps: [[Batch]], cursor: Data) {
    let owned = RankPartition(count: microBatches, ranks: ranks)
    let results = try ThreadCommunicator.run(size: ranks) { communicator in
      let stream = try stream(owned: owned[communicator.rank], cursor: cursor)
      let prefetcher = Prefetcher(depth: 2) { try stream.nextStep() }
      var (batches, end): ([[Batch]], Data) = ([], Data())
      for _ in 0..<steps {
        let step = try prefetcher.next()
        batches.append(step.microBatches)
        end = try JSONEncoder.sorted.encode(step.cursor)
        let ends = try end.withUnsafeBytes { try communicator.allGather($0) }
        #expect(ends.allSatisfy { Data($0) == end }, "all ranks are at the same place")
      }
      return (batches, end)
    }
    let gathered = (0..<steps).map { step in results.flatMap { $0.0[step] } }
    return (gathered, results[0].1)
  }
}

extension JSONEncoder {
  fileprivate static var sorted: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return encoder
  }
}
