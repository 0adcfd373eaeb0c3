import Foundation
import HATRandom
import HATStorage
import Testing

@testable import HATText

@Suite struct MixtureTests {
  /// Corpora of documents that say where they are from.
  private static func builders(_ counts: [Int]) throws -> [CorpusBuilder] {
    var generator = TextGenerator(seed: 40)
    return try counts.enumerated().map { corpus, count in
      try CorpusBuilder(
        (0..<count).map { "corpus-\(corpus) document-\($0) " + generator.prose(words: 3 + $0 % 40) })
    }
  }

  private static func stream(_ mixture: Mixture, cursor: MixtureCursor? = nil) throws -> MixedStream {
    try MixedStream(mixture, seed: 5, sequenceWords: 40, sequenceBytes: 300, cursor: cursor)
  }

  private func targetBytes(_ batch: Batch) -> Int {
    (0..<batch.pieceCount).reduce(0) { sum, piece in
      sum + batch.wordRange(ofPiece: piece).dropFirst().reduce(0) { $0 + batch.byteRange(ofWord: $1).count }
    }
  }

  @Test(arguments: [[1], [1, 1], [7, 3], [5, 1, 94], [1, 1, 1, 1, 1, 1, 1, 3]])
  func sharesHoldAtEveryMoment(shares: [Int]) {
    var random = RandomSource(keys: 41)
    var schedule = MixtureSchedule(shares: shares)
    let (whole, longest) = (Double(shares.reduce(0, +)), 1000.0)
    for _ in 0..<20_000 {
      schedule.take(1 + random.next(below: 1000), from: schedule.next)
      let total = Double(schedule.given.reduce(0, +))
      for (share, given) in zip(shares, schedule.given) {
        let expected = total * Double(share) / whole
        let slack = Double(shares.count) * longest
        guard expected - slack...expected + longest ~= Double(given) else {
          Issue.record("\(given) of \(total) instead of \(expected)")
          return
        }
      }
    }
  }

  @Test func aMixtureHasTheSharesItsWeightsSay() throws {
    let builders = try Self.builders([50, 200, 20])
    defer { withExtendedLifetime(builders) {} }
    let corpora = try builders.map { try $0.corpus() }
    let mixture = try Mixture([(corpora[0], 1), (corpora[1], 2.5), (corpora[2], 1.5)])
    #expect(mixture.parts.map(\.weight) == [0.2, 0.5, 0.3])
    let stream = try Self.stream(mixture)
    var bytes = [0, 0, 0]
    while bytes.reduce(0, +) < 300_000 {
      var batch = Batch()
      let before = stream.cursor.targetBytes
      try stream.appendSequence(to: &batch)
      let after = stream.cursor.targetBytes
      let from = try #require((0..<3).first { after[$0] > before[$0] })
      bytes[from] += targetBytes(batch)
      try #require(bytes == after)
    }
    for (share, given) in zip([0.2, 0.5, 0.3], bytes) {
      #expect(abs(Double(given) / Double(bytes.reduce(0, +)) - share) < 0.003)
    }
    // The smallest corpus is gone through most often.
    #expect(stream.epochs[2] > stream.epochs[0] && stream.epochs[0] > stream.epochs[1])
    #expect(stream.epochs.map { Int($0) } == stream.cursor.streams.map(\.epoch))
  }

  @Test func oneCorpusIsTheStreamItAlwaysWas() throws {
    let builder = try Self.builders([60])[0]
    defer { withExtendedLifetime(builder) {} }
    let corpus = try builder.corpus()
    let mixture = try Mixture([(corpus, 0.3)])
    #expect(mixture.fingerprint == corpus.fingerprint)
    let alone = try TrainingStream(corpus: corpus, seed: 5, sequenceWords: 40, sequenceBytes: 300)
    let mixed = try Self.stream(mixture)
    for _ in 0..<300 {
      var batch = Batch()
      try mixed.appendSequence(to: &batch)
      try #require(try alone.nextSequence() == batch)
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      try #require(try encoder.encode(mixed.cursor) == encoder.encode(alone.cursor))
    }
  }

  @Test func resumingAndSkippingGoWhereReadingGoes() throws {
    let builders = try Self.builders([20, 70])
    defer { withExtendedLifetime(builders) {} }
    let mixture = try Mixture([(builders[0].corpus(), 1), (builders[1].corpus(), 2)])
    let (reader, skipper) = (try Self.stream(mixture), try Self.stream(mixture))
    while reader.epochs.min()! < 3 {
      let kept = try JSONDecoder().decode(MixtureCursor.self, from: JSONEncoder().encode(reader.cursor))
      let resumed = try Self.stream(mixture, cursor: kept)
      var (expected, again) = (Batch(), Batch())
      try reader.appendSequence(to: &expected)
      try resumed.appendSequence(to: &again)
      try skipper.skipSequence()
      try #require(again == expected)
      try #require(resumed.cursor == reader.cursor)
      try #require(skipper.cursor == reader.cursor)
    }
  }

  @Test func fingerprintsTellWhatAMixtureIs() throws {
    let corpora = try Self.builders([10, 11]).map { try $0.corpus() }
    let fingerprints = try [(1.0, 1.0), (1, 2), (2, 1)].flatMap { first, second in
      [
        try Mixture([(corpora[0], first), (corpora[1], second)]).fingerprint,
        try Mixture([(corpora[1], first), (corpora[0], second)]).fingerprint,
      ]
    }
    #expect(Set(fingerprints).count == 6)
    let (small, large) = (
      try Mixture([(corpora[0], 0.1), (corpora[1], 0.2)]), try Mixture([(corpora[0], 10), (corpora[1], 20)])
    )
    #expect(small.fingerprint == large.fingerprint)
  }

  @Test func whatCannotBeMixedIsRefused() throws {
    let corpus = try Self.builders([10])[0].corpus()
    let other = try CorpusBuilder(["one two three"], rule: .fixed(8)).corpus()
    let limit = try CorpusBuilder(["one two three"], maximumWordBytes: 32).corpus()
    #expect(errorText { _ = try Mixture([(corpus, 1), (other, 1)]) }.contains("fixed:8-v1"))
    #expect(errorKind { _ = try Mixture([(corpus, 1), (limit, 1)]) } == .configuration)
    #expect(errorKind { _ = try Mixture([(corpus, 1), (corpus, 2)]) } == .wrongUsage)
    #expect(errorKind { _ = try Mixture([(corpus, 1e-10), (other, 1)]) } == .wrongUsage)
  }

  @Test func cursorsOfOtherMixturesAreRefused() throws {
    let builders = try Self.builders([10, 11])
    defer { withExtendedLifetime(builders) {} }
    let corpora = try builders.map { try $0.corpus() }
    let mixture = try Mixture([(corpora[0], 1), (corpora[1], 1)])
    for cursor in [
      MixtureCursor(streams: [StreamCursor()], targetBytes: []),
      MixtureCursor(streams: [StreamCursor(), StreamCursor()], targetBytes: [3]),
      MixtureCursor(streams: [StreamCursor(), StreamCursor()], targetBytes: [-1, 0]),
      MixtureCursor(streams: [StreamCursor(), StreamCursor()], targetBytes: [0, .max]),
    ] {
      #expect(errorKind { _ = try Self.stream(mixture, cursor: cursor) } == .invalidData)
    }
  }
}
