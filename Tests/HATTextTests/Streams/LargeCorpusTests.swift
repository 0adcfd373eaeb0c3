import Foundation
import HATRandom
import HATStorage
import SystemPackage
import Testing

@testable import HATText

/// A corpus of 100 million documents, scaled: one real shard under five thousand names, so that manifest, shard
/// indexes, windows and frames are those of the real thing, and only the disk is spared.
@Suite struct LargeCorpusTests {
  private static let documentsPerShard = 20_000
  private static let shards = 5000

  @Test func resumesAtOnceInBoundedMemory() throws {
    let builder = try Self.build()
    let before = Self.residentBytes()
    let clock = ContinuousClock()
    let start = clock.now
    let corpus = try Corpus(opening: builder.output)
    let opening = clock.now - start
    #expect(corpus.counts(.train).documents == 100_000_000)

    let order = DocumentOrder(frameCount: corpus.reader(.train).frameCount, seed: 7)
    var random = RandomSource(keys: 50)
    var slowest = Duration.zero
    for _ in 0..<50 {
      let cursor = StreamCursor(
        epoch: random.next(below: 1000), window: random.next(below: order.windowCount), document: 0, word: 0)
      let start = clock.now
      let stream = try Self.stream(corpus, cursor)
      let sequence = try stream.nextSequence()
      slowest = max(slowest, clock.now - start)
      #expect(sequence.pieceCount > 0)
    }
    let resumed = Self.residentBytes() - before

    let stream = try Self.stream(corpus, nil)
    while stream.cursor.window < 3 { try stream.skipSequence() }
    let walked = Self.residentBytes() - before
    print(
      "100 million documents in \(Self.shards) shards: opened in \(opening), resumed in at most \(slowest); "
        + "memory grew by \(resumed >> 20) MiB, after three windows by \(walked >> 20) MiB")
    // Other tests run beside this one, and take time and memory too.
    #expect(opening < .seconds(10) && slowest < .seconds(2))
    #expect(walked < 400 << 20)
  }

  private static func stream(_ corpus: Corpus, _ cursor: StreamCursor?) throws -> TrainingStream {
    try TrainingStream(corpus: corpus, seed: 7, sequenceWords: 256, sequenceBytes: 2048, cursor: cursor)
  }

  private static func build() throws -> CorpusBuilder {
    var generator = TextGenerator(seed: 51)
    let prose = (0..<64).map { _ in generator.prose(words: 60) }
    let builder = try CorpusBuilder((0..<documentsPerShard).map { "document-\($0) \(prose[$0 % 64])" })
    var manifest = try builder.corpus().manifest
    let shard = try #require(manifest.train.shards.first)
    try #require(manifest.train.shards.count == 1)
    manifest.train = CorpusManifest.Part()
    for copy in 0..<shards {
      var summary = shard
      summary.name = "train-copy-\(copy).shard"
      try FileManager.default.linkItem(
        atPath: builder.output.appending(shard.name).string,
        toPath: builder.output.appending(summary.name).string)
      manifest.train.append(summary)
    }
    manifest.dataFingerprint = manifest.computedDataFingerprint
    try JSONFile.write(manifest, to: builder.output.appending(CorpusManifest.fileName))
    return builder
  }

  private static func residentBytes() -> Int {
    let pages = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")[1]
    return (pages.flatMap { Int($0) } ?? 0) * sysconf(Int32(_SC_PAGESIZE))
  }
}
