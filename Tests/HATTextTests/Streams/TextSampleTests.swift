import Testing

@testable import HATText

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
