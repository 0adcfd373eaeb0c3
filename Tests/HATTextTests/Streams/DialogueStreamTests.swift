import Foundation
import Testing

@testable import HATText

/// What the streams make of dialogues: the same as of text, but that a dialogue stays whole where it can, and that pieces in which
/// nothing counts are passed over.
@Suite("Streams of dialogues") struct DialogueStreamTests {
  private static func builder(_ count: Int, seed: UInt64 = 70, words: Int = 25) throws -> CorpusBuilder {
    var generator = TextGenerator(seed: seed)
    return try CorpusBuilder(lines: generator.dialogueLines(count, words: words), .dialogues)
  }

  private func stream(
    _ corpus: Corpus, words: Int, bytes: Int, cursor: StreamCursor? = nil
  ) throws -> TrainingStream {
    try TrainingStream(corpus: corpus, seed: 7, sequenceWords: words, sequenceBytes: bytes, cursor: cursor)
  }

  /// The targets of a piece: the bytes of each, and whether it counts.
  private func targets(_ batch: Batch, _ piece: Int) -> [(word: [UInt8], counts: Bool)] {
    batch.wordRange(ofPiece: piece).dropFirst().map {
      (Array(batch.bytes[batch.byteRange(ofWord: $0)]), batch.counts($0))
    }
  }

  /// Target words and bytes of a batch.
  private func size(_ batch: Batch) -> (words: Int, bytes: Int) {
    let all = (0..<batch.pieceCount).flatMap { targets(batch, $0) }
    return (all.count, all.reduce(0) { $0 + $1.word.count })
  }

  /// Of all documents, the words that count, in no order.
  private func countedWords(_ documents: [ShardDocument]) -> [[UInt8]] {
    documents.flatMap { document in document.counted.joined().map { Array(document.words[$0]) } }
      .sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// Room for most dialogues, for few, and for none.
  private static let rooms = [(200, 2000), (60, 400), (9, 80), (1, 64)]

  @Test("Every word that counts is a target once an epoch", arguments: rooms)
  func everyCountedWord(words: Int, bytes: Int) throws {
    let builder = try Self.builder(300)
    let corpus = try builder.corpus()
    let stream = try EvaluationStream(
      corpus: corpus, part: .train, sequenceWords: words, sequenceBytes: bytes)
    var counted: [[UInt8]] = []
    while let batch = try stream.nextSequence() {
      let size = size(batch)
      try #require(1...words ~= size.words && size.bytes <= bytes && batch.pairs.isEmpty)
      for piece in 0..<batch.pieceCount {
        let targets = targets(batch, piece)
        try #require(targets.contains { $0.counts }, "nothing counts in a piece")
        counted += targets.filter(\.counts).map(\.word)
      }
    }
    let expected = countedWords(try corpus.documents())
    #expect(counted.sorted { $0.lexicographicallyPrecedes($1) } == expected)
  }

  @Test("A dialogue that fits a sequence is one piece of one", arguments: [(200, 2000), (60, 400)])
  func dialoguesStayWhole(words: Int, bytes: Int) throws {
    let builder = try Self.builder(300)
    let corpus = try builder.corpus()
    let stream = try EvaluationStream(
      corpus: corpus, part: .train, sequenceWords: words, sequenceBytes: bytes)
    var whole: [[UInt8]] = []
    var room = (words: 0, bytes: 0)
    while let batch = try stream.nextSequence() {
      // A sequence ends where the next dialogue does not fit, and no earlier.
      let next = targets(batch, 0)
      if batch.isDocumentMark(0) && next.last!.word == [SpecialByte.document] {
        #expect(next.count > room.words || next.reduce(0) { $0 + $1.word.count } > room.bytes)
      }
      let taken = size(batch)
      room = (words - taken.words, bytes - taken.bytes)
      for piece in 0..<batch.pieceCount {
        let opens = batch.isDocumentMark(batch.wordRange(ofPiece: piece).lowerBound)
        let targets = targets(batch, piece)
        let isCut = targets.last!.word != [SpecialByte.document]
        if opens && !isCut { whole.append(Array(targets.map(\.word).joined().dropLast())) }
        // The closing mark of a dialogue does not count.
        if !isCut { #expect(!targets.last!.counts) }
      }
    }
    let fitting = try corpus.documents().filter {
      $0.wordLengths.count < words && $0.text.count < bytes
    }
    #expect(whole == fitting.map(\.text) && !fitting.isEmpty)
  }

  @Test("What counts comes with its word", arguments: rooms)
  func countsOfTheShard(words: Int, bytes: Int) throws {
    let builder = try Self.builder(80)
    let corpus = try builder.corpus()
    for document in try corpus.documents() {
      let stream = try EvaluationStream(
        document: document, splitter: corpus.splitter, sequenceWords: words, sequenceBytes: bytes)
      let all = document.words.map { Array($0) }
      var word = 0
      while let batch = try stream.nextSequence() {
        for piece in 0..<batch.pieceCount {
          let targets = targets(batch, piece)
          let run =
            targets.map(\.word) == [[SpecialByte.document]]
            ? [] : targets.filter { $0.word != [SpecialByte.document] }
          // Goes past what was passed over: pieces of as many words as fit.
          while Array(all[word...].prefix(run.count)) != run.map(\.word)
            || run.indices.contains(where: { isCounted(document, word + $0) != run[$0].counts })
          {
            try #require(word < all.count && !isCounted(document, word), "a word that counts was passed over")
            word += 1
          }
          word += run.count
        }
      }
      #expect((word..<all.count).allSatisfy { !isCounted(document, $0) })
    }
  }

  private func isCounted(_ document: ShardDocument, _ word: Int) -> Bool {
    document.counted.contains { $0.contains(word) }
  }

  @Test("Resuming at every sequence, skipping, and naming go where reading goes", arguments: rooms)
  func resuming(words: Int, bytes: Int) throws {
    let builder = try Self.builder(40)
    let corpus = try builder.corpus()
    let (whole, skipper, namer) = (
      try stream(corpus, words: words, bytes: bytes), try stream(corpus, words: words, bytes: bytes),
      try stream(corpus, words: words, bytes: bytes)
    )
    while whole.cursor.epoch < 2 {
      let kept = try JSONDecoder().decode(StreamCursor.self, from: JSONEncoder().encode(whole.cursor))
      let resumed = try stream(corpus, words: words, bytes: bytes, cursor: kept)
      let sequence = try whole.nextSequence()
      try #require(try resumed.nextSequence() == sequence)
      try #require(resumed.cursor == whole.cursor)
      let taken = size(sequence).bytes
      try #require(try skipper.skipSequence() == taken)
      try #require(skipper.cursor == whole.cursor)
      let (names, bytes) = try namer.namesOfNextSequence()
      try #require(bytes == taken && namer.cursor == whole.cursor && names.count == sequence.pieceCount)
      for (piece, name) in names.enumerated() {
        let text = try ShardReader(opening: name.shard).document(name.document).text
        let part = targets(sequence, piece).map(\.word).filter { $0 != [SpecialByte.document] }.joined()
        try #require(text.contains(Array(part)))
      }
    }
  }

  @Test("Text and dialogues mix")
  func mixing() throws {
    let dialogues = try Self.builder(60)
    let text = try CorpusBuilder(TrainingStreamTests.documents(60))
    let corpora = (try dialogues.corpus(), try text.corpus())
    let mixture = try Mixture([(corpora.0, 1), (corpora.1, 3)])
    #expect(mixture.documents == .dialogues)
    #expect(try Mixture([(corpora.1, 1)]).documents == .text)
    func stream(_ cursor: MixtureCursor? = nil) throws -> MixedStream {
      try MixedStream(mixture, seed: 3, sequenceWords: 400, sequenceBytes: 4000, cursor: cursor)
    }
    let (reader, skipper) = (try stream(), try stream())
    var all = Batch()
    while reader.epochs.min()! < 1.5 {
      let resumed = try stream(reader.cursor)
      var (one, other) = (Batch(), Batch())
      try reader.appendSequence(to: &one)
      try resumed.appendSequence(to: &other)
      try skipper.skipSequence()
      try #require(one == other && resumed.cursor == reader.cursor && skipper.cursor == reader.cursor)
      let isDialogue = one.isMark(1)
      let targets = (0..<one.pieceCount).flatMap { self.targets(one, $0) }
      try #require(targets.allSatisfy { $0.counts } != isDialogue)
      all.append(one)
    }
    let given = reader.cursor.targetBytes
    #expect(abs(Double(given[0]) / Double(given[0] + given[1]) - 0.25) < 0.05)
    // A batch of both keeps what counts of each.
    for piece in 0..<all.pieceCount {
      let isDialogue = all.isMark(all.wordRange(ofPiece: piece).lowerBound + 1)
      try #require(targets(all, piece).allSatisfy { $0.counts } != isDialogue)
    }
    withExtendedLifetime((dialogues, text)) {}
  }

  @Test("A document of text has the sequences of its text", arguments: [(40, 300), (5, 64), (4000, 40_000)])
  func documentOfText(words: Int, bytes: Int) throws {
    let builder = try CorpusBuilder(TrainingStreamTests.documents(40), rule: .unicode)
    let corpus = try builder.corpus()
    for document in try corpus.documents() {
      let one = try EvaluationStream(
        document: document, splitter: corpus.splitter, sequenceWords: words, sequenceBytes: bytes)
      let other = try EvaluationStream(
        text: document.text, splitter: corpus.splitter, sequenceWords: words, sequenceBytes: bytes)
      while let sequence = try one.nextSequence() { try #require(try other.nextSequence() == sequence) }
      #expect(try other.nextSequence() == nil)
    }
  }

  @Test("A sample of dialogues measures their text alone")
  func sample() throws {
    let builder = try CorpusBuilder(
      lines: [
        #"{"messages": [{"role": "user", "content": "one two"}, {"role": "assistant", "content": "two"}]}"#
      ], .dialogues)
    let sample = try TextSample(
      of: builder.corpus(), seed: 1, sequenceWords: 8, sequenceBytes: 200, bytes: 1 << 20)
    #expect(sample.textBytes == 10)
    let counts = sample.countWords()
    #expect(counts.count == 2 && counts.counts.sorted() == [1, 2])
  }
}
