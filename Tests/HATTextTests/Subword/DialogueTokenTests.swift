import TestSupport
import Testing

@testable import HATText

/// Dialogues and preferences as the subword baseline reads them.
@Suite("Tokens of dialogues") struct DialogueTokenTests {
  /// Tokens of bytes, then "th" 257, "the" 258, and what would join over a mark if it could: "e" and [user].
  private static let vocabulary: SubwordVocabulary = {
    var vocabulary = SubwordVocabulary()
    let th = vocabulary.add(TokenPair(left: 0x74, right: 0x68))
    _ = vocabulary.add(TokenPair(left: th, right: 0x65))
    _ = vocabulary.add(TokenPair(left: 0x65, right: 0xF8))
    return vocabulary
  }()

  private func tokens(_ lines: [String], _ kind: DocumentKind, words: Int = 100) throws -> [TokenBatch] {
    let builder = try CorpusBuilder(lines: lines, kind)
    let stream = try EvaluationStream(
      corpus: builder.corpus(), part: .train, sequenceWords: words, sequenceBytes: 10_000)
    let batcher = TokenBatcher(Self.vocabulary)
    var batches: [TokenBatch] = []
    while let batch = try stream.nextSequence() { batches.append(batcher.tokens(of: batch)) }
    return batches
  }

  @Test("Marks are tokens of their own, and answers count")
  func dialogue() throws {
    let tokens = try tokens(
      [#"{"messages": [{"role": "user", "content": "the"}, {"role": "assistant", "content": "thee the"}]}"#],
      .dialogues)[0]
    #expect(tokens.inputs == [256, 0xF6, 258, 0xF8, 0xF7, 258, 0x65, 0x20, 258, 0xF8])
    #expect(tokens.targets == [0xF6, 258, 0xF8, 0xF7, 258, 0x65, 0x20, 258, 0xF8, 256])
    #expect(tokens.counts == [false, false, false, false, true, true, true, true, true, false])
    // The words "thee " and "the" count, and their eight bytes; the end of the turn is no word.
    #expect(tokens.words == [4..<7, 7..<8] && tokens.textBytes == 8 && tokens.pairs.isEmpty)
  }

  @Test("A cut dialogue opens with its last mark or token")
  func cut() throws {
    let tokens = try tokens(
      [
        #"{"messages": [{"role": "user", "content": "a b c"}, {"role": "assistant", "content": "the th the"}]}"#
      ],
      .dialogues, words: 3)
    // [user] a b | c [turn end] [assistant] are passed over; then the answer, and its end.
    #expect(tokens.map(\.inputs) == [[0xF7, 258, 0x20, 257, 0x20], [258, 0xF8]])
    #expect(tokens.map(\.targets) == [[258, 0x20, 257, 0x20, 258], [0xF8, 256]])
    #expect(tokens.map(\.counts) == [[], [true, false]])
    #expect(tokens.map(\.textBytes) == [10, 0] && tokens.map(\.words.count) == [3, 0])
  }

  @Test("Pairs are carried over")
  func preferences() throws {
    let tokens = try tokens(
      [
        #"{"prompt": "q", "chosen": "the", "rejected": "a"}"#,
        #"{"prompt": "q", "chosen": "b", "rejected": ""}"#,
      ], .preferences)[0]
    #expect(tokens.pairs.map(\.document) == [0, 1])
    #expect(tokens.pieceCount == 4)
    #expect(
      Array(tokens.targets[tokens.tokenRange(ofPiece: 0)]) == [0xF6, 0x71, 0xF8, 0xF7, 258, 0xF8, 256])
    #expect(
      Array(tokens.inputs[tokens.tokenRange(ofPiece: 1)]) == [256, 0xF6, 0x71, 0xF8, 0xF7, 0x61, 0xF8])
    #expect(
      Array(tokens.counts[tokens.tokenRange(ofPiece: 3)]) == [false, false, false, false, true, false])
    // "the" and "b": the rejected answers count for the preference alone.
    #expect(tokens.textBytes == 4 && tokens.words.count == 2)
  }

  @Test("The same counts as in the batch", arguments: [DocumentKind.dialogues, .preferences])
  func sameAsBatch(kind: DocumentKind) throws {
    var generator = TextGenerator(seed: 75)
    let lines = kind == .dialogues ? generator.dialogueLines(200) : generator.preferenceLines(200)
    let builder = try CorpusBuilder(lines: lines, kind, rule: .fixed(3))
    let corpus = try builder.corpus()
    let size = corpus.manifest.longestPair ?? SequenceSize(words: 100, bytes: 500)
    let stream = try EvaluationStream(
      corpus: corpus, part: .train, sequenceWords: size.words, sequenceBytes: size.bytes)
    let batcher = TokenBatcher(Self.vocabulary)
    while let batch = try stream.nextSequence() {
      let tokens = batcher.tokens(of: batch)
      try #require(tokens.pairs == batch.pairs && tokens.pieceCount == batch.pieceCount)
      try #require(tokens.counts.isEmpty || tokens.counts.count == tokens.tokenCount)
      for piece in 0..<batch.pieceCount {
        let words = batch.wordRange(ofPiece: piece).dropFirst()
        let range = tokens.tokenRange(ofPiece: piece)
        func text(_ tokens: some Sequence<Int32>) -> [UInt8] {
          tokens.flatMap { $0 == 256 ? [SpecialByte.document] : Array(Self.vocabulary.bytes(of: $0)) }
        }
        try #require(
          text(tokens.targets[range]) == words.flatMap { batch.bytes[batch.byteRange(ofWord: $0)] })
        // Runs between marks count or not as a whole: so do their tokens.
        try #require(
          text(range.filter { tokens.counts.isEmpty || tokens.counts[$0] }.map { tokens.targets[$0] })
            == words.filter(batch.counts).flatMap { batch.bytes[batch.byteRange(ofWord: $0)] })
      }
      let chosen = (0..<batch.pieceCount).filter { batch.pairs.isEmpty || $0 % 2 == 0 }
      let targets = chosen.flatMap { batch.wordRange(ofPiece: $0).dropFirst() }
        .filter { batch.counts($0) && !batch.isMark($0) }
      try #require(tokens.words.count == targets.count)
      try #require(tokens.textBytes == targets.reduce(0) { $0 + batch.byteRange(ofWord: $1).count })
    }
  }

  @Test("Pieces of text beside a dialogue count wholly")
  func mixed() {
    var batch = Batch.document([Array("a".utf8)])
    var dialogue = Batch()
    dialogue.appendDocumentMark(counts: false)
    for (byte, counts) in [(0xF7, false), (0x62, true), (0xF8, true)] as [(UInt8, Bool)] {
      dialogue.appendWord([byte], counts: counts)
    }
    dialogue.appendDocumentMark(counts: false)
    dialogue.endPiece()
    batch.append(dialogue)
    batch.append(Batch.document([Array("c".utf8)]))
    let tokens = TokenBatcher(Self.vocabulary).tokens(of: batch)
    #expect(tokens.targets == [0x61, 256, 0xF7, 0x62, 0xF8, 256, 0x63, 256])
    #expect(tokens.counts == [true, true, false, true, true, false, true, true])
    #expect(tokens.textBytes == 3 && tokens.words == [0..<1, 3..<4, 6..<7])
  }

  @Test("No merge has a mark in it")
  func learning() throws {
    var counts = WordCounts()
    for _ in 0..<50 { counts.add([0xF6] + Array("ab ab".utf8) + [0xF8, 0xF7] + Array("ab".utf8) + [0xF8]) }
    #expect(counts.count == 2 && counts.counts == [50, 100])
    let vocabulary = try SubwordVocabulary(learningFrom: counts, count: 259)
    #expect((257..<259).allSatisfy { vocabulary.bytes(of: $0).allSatisfy { $0 < 0x80 } })
    let encoder = SubwordEncoder(vocabulary)
    #expect(encoder.encode([0xF6] + Array("ab".utf8) + [0xF8, 0xFE, 0xF7]) == [0xF6, 257, 0xF8, 256, 0xF7])
  }
}
