import Testing

@testable import HATText

@Suite struct EvaluationStreamTests {
  private func targets(_ stream: EvaluationStream) throws -> [[UInt8]] {
    var targets: [[UInt8]] = []
    while let batch = try stream.nextSequence() {
      for piece in 0..<batch.pieceCount {
        targets += batch.wordRange(ofPiece: piece).dropFirst().map {
          Array(batch.bytes[batch.byteRange(ofWord: $0)])
        }
      }
    }
    return targets
  }

  @Test(arguments: [1, 7, 50, 10_000]) func visitsEachDocumentOnceInOrder(words: Int) throws {
    let documents = TrainingStreamTests.documents(200)
    let builder = try CorpusBuilder(documents)
    let stream = try EvaluationStream(
      corpus: builder.corpus(), part: .train, sequenceWords: words, sequenceBytes: 64_000)
    let texts = try targets(stream).split(separator: [SpecialByte.document]).map {
      String(decoding: $0.joined(), as: UTF8.self)
    }
    #expect(texts == documents)
    #expect(try stream.nextSequence() == nil)
  }

  @Test func anEmptyPartHasNoSequences() throws {
    let builder = try CorpusBuilder(["a"])
    let stream = try EvaluationStream(
      corpus: builder.corpus(), part: .holdout, sequenceWords: 10, sequenceBytes: 100)
    #expect(try stream.nextSequence() == nil)
  }

  @Test func aTextIsADocument() throws {
    var generator = TextGenerator(seed: 30)
    let splitter = try WordSplitter(.whitespace, maximumWordBytes: 16)
    for count in [0, 1, 10, 1000] {
      let text = generator.text(scalars: count)
      let stream = try EvaluationStream(text: text, splitter: splitter, sequenceWords: 9, sequenceBytes: 60)
      let expected = text.isEmpty ? [] : text + [SpecialByte.document]
      #expect(try Array(targets(stream).joined()) == expected)
    }
    #expect(
      errorKind {
        _ = try EvaluationStream(text: [0xFF], splitter: splitter, sequenceWords: 9, sequenceBytes: 60)
      } == .invalidData)
  }

  @Test func aTextAsOnePiece() throws {
    let splitter = try WordSplitter(.whitespace)
    let batch = try Batch.text(Array("To be".utf8), splitter: splitter)
    #expect(batch == Batch.document([Array("To ".utf8), Array("be".utf8)]))
    #expect(errorKind { _ = try Batch.text([], splitter: splitter) } == .invalidData)
  }
}
