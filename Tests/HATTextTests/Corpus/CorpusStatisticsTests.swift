import HATStorage
import Testing

@testable import HATText

@Suite struct CorpusStatisticsTests {
  @Test func lengthsAreCountedInRowsThatGrowWider() {
    var counts = [Int](repeating: 0, count: 71)
    (counts[1], counts[3], counts[17], counts[24], counts[25], counts[64], counts[70]) = (
      5, 40, 1, 2, 3, 4, 45
    )
    let rows = WordLengthHistogram(counts).rows
    #expect(rows.map(\.lengths).suffix(6) == [16...16, 17...24, 25...32, 33...48, 49...64, 65...96])
    #expect(rows.map(\.words).suffix(6) == [0, 3, 3, 0, 4, 45])
    #expect(rows[2].share == 0.4)
    #expect(rows.reduce(0) { $0 + $1.words } == counts.reduce(0, +))
    #expect(WordLengthHistogram([0, 3]).rows.map(\.lengths) == [1...1])
    #expect(WordLengthHistogram([0]).rows.isEmpty)
  }

  @Test func wordsLengthsAndMetadataOfDocuments() throws {
    let builder = try CorpusBuilder(["a bb a", "a ccc\n"])
    var statistics = CorpusStatistics()
    try builder.corpus().forEachDocument(of: .train) { statistics.add($0) }
    #expect(statistics.counts == TextCounts(documents: 2, words: 5, bytes: 12))
    #expect(statistics.wordLengths == [0, 1, 2, 1, 1])
    #expect(statistics.mostFrequentWords(2).map(\.word) == ["a ", "a"])
    #expect(statistics.mostFrequentMetadata(1).map { $0.name } == ["source"])
    #expect(statistics.mostFrequentMetadata(1)[0].values.map { $0.documents } == [2])
  }

  @Test func sourcesAreGroupedByWhatIsBeforeTheSlash() {
    var statistics = CorpusStatistics()
    for source in ["book/1", "book/2/a", "letters", "book"] {
      statistics.add(
        ShardDocument(
          text: [0x61], wordLengths: [1], metadata: DocumentMetadata(["source": source]),
          checksum: Checksum(of: [0x61])))
    }
    let values = statistics.mostFrequentMetadata(10)[0].values
    #expect(values.map { $0.value } == ["book", "letters"])
    #expect(values.map { $0.documents } == [3, 1])
  }

  @Test func frequentItemsAreBoundedAndNeverTooMany() {
    var items = FrequentItems(capacity: 100)
    for round in 0..<5000 {
      items.add(Array("rare \(round)".utf8)[...])
      if round % 2 == 0 { items.add(Array("often".utf8)[...]) }
    }
    let top = items.top(1)[0]
    #expect(Array(top.item) == Array("often".utf8))
    #expect(2400...2500 ~= top.count)
  }
}
