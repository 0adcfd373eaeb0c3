import Foundation
import HATStorage
import SystemPackage
import Testing

@testable import HATText

@Suite struct TrainingStreamTests {
  /// Documents of very different lengths, each with a name in it; frames of about 256 KiB make several.
  static func documents(_ count: Int, seed: UInt64 = 20) -> [String] {
    var generator = TextGenerator(seed: seed)
    return (0..<count).map { index in
      "document-\(index) " + generator.prose(words: index % 17 == 0 ? 900 : index % 23)
    }
  }

  static func largeCorpus() throws -> (CorpusBuilder, Corpus) {
    let builder = try CorpusBuilder(documents(20_000)) { $0.shardBytes = 1 << 20 }
    return (builder, try builder.corpus())
  }

  private func stream(
    _ corpus: Corpus, words: Int = 64, bytes: Int = 512, cursor: StreamCursor? = nil
  ) throws -> TrainingStream {
    try TrainingStream(
      corpus: corpus, seed: 7, sequenceWords: words, sequenceBytes: bytes, cursor: cursor)
  }

  /// The target words of a batch, and a check of its budget and structure.
  private func targets(_ batch: Batch, words: Int, bytes: Int) throws -> [[UInt8]] {
    var targets: [[UInt8]] = []
    for piece in 0..<batch.pieceCount {
      for word in batch.wordRange(ofPiece: piece).dropFirst() {
        targets.append(Array(batch.bytes[batch.byteRange(ofWord: word)]))
      }
    }
    try #require(1...words ~= targets.count)
    try #require(targets.reduce(0) { $0 + $1.count } <= bytes)
    return targets
  }

  /// The documents that target words spell.
  private func texts(_ targets: [[UInt8]]) -> [String] {
    targets.split(separator: [SpecialByte.document], omittingEmptySubsequences: false)
      .map { String(decoding: $0.joined(), as: UTF8.self) }
  }

  @Test(arguments: [(5, 70), (64, 512), (3000, 100_000)])
  func theDocumentsOfASequenceAreNamed(words: Int, bytes: Int) throws {
    let builder = try CorpusBuilder(Self.documents(300))
    let corpus = try builder.corpus()
    let (named, read) = (
      try stream(corpus, words: words, bytes: bytes), try stream(corpus, words: words, bytes: bytes)
    )
    while read.cursor.epoch < 2 {
      let (names, _) = try named.namesOfNextSequence()
      let batch = try read.nextSequence()
      #expect(named.cursor == read.cursor)
      try #require(names.count == batch.pieceCount)
      let texts = try names.map { try ShardReader(opening: $0.shard).document($0.document).text }
      let targets = try targets(batch, words: words, bytes: bytes).filter { $0 != [SpecialByte.document] }
      let (whole, part) = (
        String(decoding: texts.joined(), as: UTF8.self), String(decoding: targets.joined(), as: UTF8.self)
      )
      #expect(whole.contains(part))
    }
  }

  @Test(arguments: [(1, 64), (5, 70), (64, 512), (3000, 100_000)])
  func everyWordIsATargetOnce(words: Int, bytes: Int) throws {
    let documents = Self.documents(300)
    let builder = try CorpusBuilder(documents)
    let corpus = try builder.corpus()
    let total = corpus.counts(.train).words + documents.count
    let stream = try stream(corpus, words: words, bytes: bytes)
    for epoch in 0..<2 {
      var seen: [[UInt8]] = []
      while stream.cursor.epoch == epoch {
        seen += try targets(stream.nextSequence(), words: words, bytes: bytes)
      }
      // A sequence may reach into the next epoch: only the documents of this one are looked at.
      let found = texts(seen).prefix(documents.count)
      try #require(seen.count >= total)
      if epoch == 0 { #expect(found.sorted() == documents.sorted()) }
    }
  }

  @Test func continuationsOpenWithTheLastWord() throws {
    let builder = try CorpusBuilder(Self.documents(40))
    let stream = try stream(try builder.corpus(), words: 10, bytes: 100)
    var last: [UInt8]?
    for _ in 0..<2000 {
      let batch = try stream.nextSequence()
      for piece in 0..<batch.pieceCount {
        let words = batch.wordRange(ofPiece: piece).map { Array(batch.bytes[batch.byteRange(ofWord: $0)]) }
        try #require(words[0] == last ?? [SpecialByte.document])
        try #require(words.dropFirst().dropLast().allSatisfy { $0 != [SpecialByte.document] })
        last = words.last! == [SpecialByte.document] ? nil : words.last!
      }
    }
  }

  @Test func sequencesAreFull() throws {
    let builder = try CorpusBuilder(Self.documents(300))
    let stream = try stream(try builder.corpus(), words: 50, bytes: 100_000)
    for _ in 0..<200 {
      let batch = try stream.nextSequence()
      #expect(batch.wordCount - batch.pieceCount == 50)
    }
  }

  @Test func resumingAtEverySequenceGoesOnAlike() throws {
    let builder = try CorpusBuilder(Self.documents(60))
    let corpus = try builder.corpus()
    let whole = try stream(corpus, words: 40, bytes: 300)
    var (sequences, cursors): ([Batch], [StreamCursor]) = ([], [whole.cursor])
    while whole.cursor.epoch < 3 {
      sequences.append(try whole.nextSequence())
      cursors.append(whole.cursor)
    }
    #expect(cursors[0] == StreamCursor())
    for index in sequences.indices {
      let kept = try JSONDecoder().decode(StreamCursor.self, from: JSONEncoder().encode(cursors[index]))
      let resumed = try stream(corpus, words: 40, bytes: 300, cursor: kept)
      try #require(resumed.cursor == cursors[index])
      try #require(try resumed.nextSequence() == sequences[index])
      try #require(resumed.cursor == cursors[index + 1])
      // Twice in a row.
      let again = try stream(corpus, words: 40, bytes: 300, cursor: resumed.cursor)
      if index + 1 < sequences.count { try #require(try again.nextSequence() == sequences[index + 1]) }
    }
  }

  @Test func skippingGoesWhereReadingGoes() throws {
    let builder = try CorpusBuilder(Self.documents(60))
    let corpus = try builder.corpus()
    let (reader, skipper) = (try stream(corpus), try stream(corpus))
    for round in 0..<500 {
      let sequence = try reader.nextSequence()
      if round % 3 == 0 {
        try #require(try skipper.nextSequence() == sequence)
      } else {
        try skipper.skipSequence()
      }
      try #require(skipper.cursor == reader.cursor)
    }
  }

  @Test func manyShardsAndWindows() throws {
    let (builder, corpus) = try Self.largeCorpus()
    #expect(corpus.manifest.train.shards.count > 5)
    let whole = try stream(corpus, words: 4000, bytes: 40_000)
    var (seen, checkpoints): ([[UInt8]], [(StreamCursor, Batch)]) = ([], [])
    while whole.cursor.epoch == 0 {
      let cursor = whole.cursor
      let sequence = try whole.nextSequence()
      if checkpoints.count < seen.count / 100_000 + 1 { checkpoints.append((cursor, sequence)) }
      seen += try targets(sequence, words: 4000, bytes: 40_000)
    }
    let documents = Self.documents(20_000)
    let found = texts(seen).prefix(documents.count)
    #expect(found.sorted() == documents.sorted())
    #expect(Array(found) != documents)
    for (cursor, sequence) in checkpoints {
      let fresh = try Corpus(opening: builder.output)
      #expect(try stream(fresh, words: 4000, bytes: 40_000, cursor: cursor).nextSequence() == sequence)
    }
  }

  @Test func impossibleStreamsAreRefused() throws {
    let builder = try CorpusBuilder(Self.documents(10))
    let corpus = try builder.corpus()
    #expect(errorKind { _ = try stream(corpus, words: 64, bytes: 63) } == .configuration)
    #expect(errorKind { _ = try stream(corpus, words: 0, bytes: 64) } == .configuration)
    for cursor in [
      StreamCursor(epoch: 0, window: 1, document: 0, word: 0),
      StreamCursor(epoch: 0, window: 0, document: 10, word: 0),
      StreamCursor(epoch: -1, window: 0, document: 0, word: 0),
      StreamCursor(epoch: .max, window: 0, document: 0, word: 0),
      StreamCursor(epoch: 0, window: 0, document: 0, word: 100_000),
    ] {
      #expect(errorKind { _ = try stream(corpus, cursor: cursor) } == .invalidData)
    }
    #expect(
      errorKind {
        _ = try TrainingStream(corpus: corpus, part: .holdout, seed: 1, sequenceWords: 64, sequenceBytes: 512)
      } == .invalidData)
  }
}

@Suite struct TextSampleTests {
  private func sample(_ corpus: Corpus, bytes: Int) throws -> TextSample {
    try TextSample(of: corpus, seed: 5, sequenceWords: 40, sequenceBytes: 300, bytes: bytes)
  }

  @Test func itIsTheBeginningOfTheTraining() throws {
    let builder = try CorpusBuilder(TrainingStreamTests.documents(200))
    let corpus = try builder.corpus()
    let sample = try sample(corpus, bytes: 4000)
    #expect(4000..<4300 ~= sample.textBytes)
    let stream = try TrainingStream(corpus: corpus, seed: 5, sequenceWords: 40, sequenceBytes: 300)
    #expect(try sample.sequences == sample.sequences.map { _ in try stream.nextSequence() })
    withExtendedLifetime(builder) {}
  }

  @Test func aSmallCorpusIsGoneThroughOnce() throws {
    let builder = try CorpusBuilder(TrainingStreamTests.documents(30))
    let corpus = try builder.corpus()
    let sample = try sample(corpus, bytes: 1 << 30)
    #expect(corpus.counts(.train).bytes..<corpus.counts(.train).bytes + 300 ~= sample.textBytes)
    withExtendedLifetime(builder) {}
  }

  @Test func itsWordsAreThoseOfItsText() throws {
    let text = "one two  three\none two one"
    let builder = try CorpusBuilder([text])
    let corpus = try builder.corpus()
    // Whole, and cut: a piece opens with a word that is no part of its text.
    for words in [7, 2] {
      let sample = try TextSample(of: corpus, seed: 5, sequenceWords: words, sequenceBytes: 300, bytes: 26)
      let counts = sample.countWords()
      #expect(counts.count == 5 && counts.counts.reduce(0, +) == 6)
      #expect(sample.textBytes == text.utf8.count)
    }
    withExtendedLifetime(builder) {}
  }
}
