import Foundation
import HATStorage
import Testing

@testable import HATText

/// Pairs of dialogues are never cut, and each comes with its number in its part.
@Suite("Streams of preferences") struct PreferenceStreamTests {
  private static func builder(
    _ count: Int, seed: UInt64 = 90, adjust: (inout PreprocessSettings) -> Void = { _ in }
  ) throws -> CorpusBuilder {
    var generator = TextGenerator(seed: seed)
    return try CorpusBuilder(lines: generator.preferenceLines(count), .preferences, adjust: adjust)
  }

  private func stream(_ corpus: Corpus, _ size: SequenceSize, cursor: StreamCursor? = nil) throws
    -> TrainingStream
  {
    try TrainingStream(
      corpus: corpus, seed: 7, sequenceWords: size.words, sequenceBytes: size.bytes, cursor: cursor)
  }

  private func text(_ batch: Batch, _ piece: Int) -> [UInt8] {
    batch.wordRange(ofPiece: piece).flatMap { batch.bytes[batch.byteRange(ofWord: $0)] }
  }

  /// Checks the pairs of a batch against the documents of the corpus.
  private func check(_ batch: Batch, _ documents: [ShardDocument], _ room: SequenceSize) throws {
    try #require(batch.pieceCount == 2 * batch.pairs.count && batch.pieceCount > 0)
    try #require(batch.wordCount - batch.pieceCount <= room.words)
    for (index, pair) in batch.pairs.enumerated() {
      let document = documents[pair.document]
      let both = text(batch, 2 * index) + text(batch, 2 * index + 1).dropFirst()
      try #require(both == [SpecialByte.document] + document.text + [SpecialByte.document])
      // The target words of both pieces are the words of the document and a closing mark.
      let targets = (0..<2).flatMap { batch.wordRange(ofPiece: 2 * index + $0).dropFirst() }
      for (word, target) in targets.enumerated() {
        try #require(batch.counts(target) == document.counted.contains { $0.contains(word) })
      }
      for piece in 0..<2 {
        try #require(batch.wordRange(ofPiece: 2 * index + piece).contains { batch.counts($0) })
      }
    }
  }

  private func rooms(_ corpus: Corpus) -> [SequenceSize] {
    let longest = corpus.manifest.longestPair!
    return [longest, SequenceSize(words: 3 * longest.words, bytes: 2 * longest.bytes)].map {
      SequenceSize(words: $0.words, bytes: max(64, $0.bytes))
    }
  }

  @Test("Every pair of a part comes once, in order, with its number")
  func evaluation() throws {
    let builder = try Self.builder(400) { ($0.shardBytes, $0.holdout) = (20_000, 0.2) }
    let corpus = try builder.corpus()
    #expect(corpus.manifest.train.shards.count > 3)
    for part in CorpusPart.allCases {
      let documents = try corpus.documents(part)
      for room in rooms(corpus) {
        let stream = try EvaluationStream(
          corpus: corpus, part: part, sequenceWords: room.words, sequenceBytes: room.bytes)
        var numbers: [Int] = []
        while let batch = try stream.nextSequence() {
          try check(batch, documents, room)
          numbers += batch.pairs.map(\.document)
        }
        #expect(numbers == Array(documents.indices))
      }
    }
  }

  @Test("Training gives every pair once an epoch, resumes and skips")
  func training() throws {
    let builder = try Self.builder(150) { $0.shardBytes = 10_000 }
    let corpus = try builder.corpus()
    let documents = try corpus.documents()
    for room in rooms(corpus) {
      let (reader, skipper) = (try stream(corpus, room), try stream(corpus, room))
      var numbers: [Int] = []
      while reader.cursor.epoch < 2 {
        try #require(reader.cursor.word == 0)
        let resumed = try stream(corpus, room, cursor: reader.cursor)
        let (names, bytes) = try resumed.namesOfNextSequence()
        let sequence = try reader.nextSequence()
        try check(sequence, documents, room)
        try #require(try skipper.skipSequence() == bytes)
        try #require(names.count == sequence.pairs.count)
        for (name, pair) in zip(names, sequence.pairs) {
          let found = try ShardReader(opening: name.shard).document(name.document)
          try #require(found == documents[pair.document])
        }
        try #require(resumed.cursor == reader.cursor && skipper.cursor == reader.cursor)
        numbers += sequence.pairs.map(\.document)
      }
      #expect(Array(numbers.prefix(documents.count)).sorted() == Array(documents.indices))
      #expect(Array(numbers.prefix(documents.count)) != Array(documents.indices))
    }
  }

  @Test("A sequence that the longest pair does not fit is refused, with what does")
  func rooms() throws {
    let builder = try Self.builder(50)
    let corpus = try builder.corpus()
    let longest = corpus.manifest.longestPair!
    let documents = try corpus.documents()
    #expect(longest.words == documents.map { $0.wordLengths.count + 1 }.max())
    #expect(longest.bytes == documents.map { $0.text.count + 1 }.max())
    for size in [
      SequenceSize(words: longest.words - 1, bytes: longest.bytes),
      SequenceSize(words: longest.words, bytes: longest.bytes - 1),
    ] {
      for make in [
        { _ = try stream(corpus, size) },
        {
          _ = try EvaluationStream(
            corpus: corpus, part: .train, sequenceWords: size.words, sequenceBytes: size.bytes)
        },
      ] {
        #expect(errorKind(make) == .configuration)
        let text = errorText(make)
        #expect(
          text.contains("sequence_words to at least \(longest.words)")
            && text.contains("sequence_bytes to at least \(longest.bytes)"), "\(text)")
      }
    }
    let largest = documents.max { $0.text.count < $1.text.count }!
    #expect(
      errorKind {
        _ = try EvaluationStream(
          document: largest, splitter: corpus.splitter, sequenceWords: 10_000,
          sequenceBytes: largest.text.count)
      } == .configuration)
    let alone = try EvaluationStream(
      document: largest, splitter: corpus.splitter, sequenceWords: 10_000,
      sequenceBytes: largest.text.count + 1)
    let batch = try #require(try alone.nextSequence())
    #expect(batch.pairs == [PreferencePair(document: 0, checksum: largest.checksum)])
    #expect(batch.pieceCount == 2)
    #expect(try alone.nextSequence() == nil)
  }

  @Test("A cursor inside of a pair, and a manifest that knows no longest pair, are refused")
  func damage() throws {
    let builder = try Self.builder(20)
    let corpus = try builder.corpus()
    let room = rooms(corpus)[0]
    #expect(
      errorKind {
        _ = try stream(corpus, room, cursor: StreamCursor(epoch: 0, window: 0, document: 1, word: 2))
      }
        == .invalidData)
    let path = builder.output.appending(CorpusManifest.fileName)
    let manifest = try CorpusManifest.read(from: builder.output)
    for longest in [
      nil, SequenceSize(words: 3, bytes: 2), SequenceSize(words: 0, bytes: 2),
      SequenceSize(words: 1, bytes: .max),
    ] {
      var damaged = manifest
      damaged.longestPair = longest
      try JSONFile.write(damaged, to: path)
      #expect(errorText { _ = try Corpus(opening: builder.output) }.contains("do not add up"))
    }
    // One that is too small is found at the pair that it forgets.
    var damaged = manifest
    damaged.longestPair = SequenceSize(words: 4, bytes: 64)
    try JSONFile.write(damaged, to: path)
    let small = try EvaluationStream(
      corpus: Corpus(opening: builder.output), part: .train, sequenceWords: 4, sequenceBytes: 64)
    #expect(
      errorText { while try small.nextSequence() != nil {} }.contains(
        "longer than the longest that its corpus names"))
  }

  @Test("Preferences mix with preferences alone")
  func mixing() throws {
    let builders = [try Self.builder(30), try Self.builder(40, seed: 91)]
    let corpora = try builders.map { try $0.corpus() }
    let mixture = try Mixture([(corpora[0], 1), (corpora[1], 1)])
    #expect(mixture.documents == .preferences)
    let room = SequenceSize(words: 1000, bytes: 10_000)
    let stream = try MixedStream(mixture, seed: 1, sequenceWords: room.words, sequenceBytes: room.bytes)
    var batch = Batch()
    while stream.epochs.min()! < 1 { try stream.appendSequence(to: &batch) }
    #expect(batch.pairs.count * 2 == batch.pieceCount && batch.pairs.count >= 70)
    let text = try CorpusBuilder(["a b"])
    for order in [0, 1] {
      let parts = [(corpora[0], 1.0), (try text.corpus(), 1.0)]
      let mix = { _ = try Mixture(order == 0 ? parts : parts.reversed()) }
      #expect(errorKind(mix) == .configuration)
      #expect(errorText(mix).contains("preferences are learnt by another rule"))
    }
    withExtendedLifetime((builders, text)) {}
  }
}
