import HATStorage
import Testing

@testable import HATText

@Suite struct CorpusManifestTests {
  /// Numbers that fit no corpus.
  @Test(
    arguments: [
      { $0.train.counts.words += 1 }, { $0.train.shards[0].counts.words = 1 << 62 },
      { $0.train.shards[0].fileBytes = -1 }, { $0.train.shards[0].frames = 1 << 24 },
      { $0.train.shards[0].frames = 0 }, { $0.train.shards[0].name = "../x.shard" },
      { $0.train.counts = TextCounts(documents: -1, words: 0, bytes: 0) }, { $0.leftOut.empty = .min },
      { $0.settings.level = 99 }, { $0.settings.holdout = -1 }, { $0.settings.shardBytes = .max },
      {
        // So many that their sum is no `Int`.
        $0.train.shards[0].counts = TextCounts(documents: 1 << 48, words: 1 << 48, bytes: 1 << 48)
        $0.train.shards = Array(repeating: $0.train.shards[0], count: 1 << 15 | 1)
      },
    ] as [@Sendable (inout CorpusManifest) -> Void])
  func numbersThatDoNotFitAreRefused(forge: @Sendable (inout CorpusManifest) -> Void) throws {
    let builder = try CorpusBuilder(["one text", "another text"])
    var manifest = try builder.corpus().manifest
    forge(&manifest)
    manifest.dataFingerprint = manifest.computedDataFingerprint
    try JSONFile.write(manifest, to: builder.output.appending(CorpusManifest.fileName))
    #expect(errorKind { _ = try Corpus(opening: builder.output) } == .invalidData)
  }

  @Test(arguments: [1_000_000_000_000, 3, -1]) func impossibleWordLimitsAreDamage(limit: Int) throws {
    let builder = try CorpusBuilder(["one text"])
    try builder.run()
    let path = builder.output.appending(CorpusManifest.fileName)
    let file = try FileReader(opening: path)
    let text = String(decoding: try file.read(at: 0, count: file.length), as: UTF8.self)
    let forged = text.replacing("\"max_word_bytes\" : 64", with: "\"max_word_bytes\" : \(limit)")
    try #require(forged != text)
    try DurableFile.write(Array(forged.utf8), to: path)
    #expect(errorKind { _ = try Corpus(opening: builder.output) } == .invalidData)
    #expect(errorText { _ = try Corpus(opening: builder.output) }.contains("max"))
  }
}
