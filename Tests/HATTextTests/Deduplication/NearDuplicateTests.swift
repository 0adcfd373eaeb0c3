import TestSupport
import Testing

@testable import HATText

@Suite struct NearDuplicateTests {
  /// Of all that are linked, directly or not, the first stays.
  @Test(arguments: [1, 7, 100, 1000]) func groupsAreFound(documentsPerRound: Int) throws {
    var generator = OracleGenerator(seed: 41)
    let counts = [120, 0, 1, 400, 64]
    let total = counts.reduce(0, +)
    let hashes = (0..<total).map { _ in
      (0..<3).map { _ in UInt64.random(in: 0..<600, using: &generator) &* 0x9E37_79B9_7F4A_7C15 }
    }
    let starts = counts.reduce(into: [0]) { $0.append($0.last! + $1) }
    let finder = try NearDuplicateFinder(
      counts: counts, bands: 3, documentsPerRound: documentsPerRound
    ) {
      part, band in
      (starts[part]..<starts[part + 1]).map { hashes[$0][band] }
    }
    // Walks from each document to all that it is linked to.
    var isReached = [Bool](repeating: false, count: total)
    var firsts: [Int] = []
    for document in 0..<total where !isReached[document] {
      firsts.append(document)
      var open = [document]
      isReached[document] = true
      while let one = open.popLast() {
        for other in 0..<total
        where !isReached[other] && zip(hashes[one], hashes[other]).contains(where: ==) {
          isReached[other] = true
          open.append(other)
        }
      }
    }
    var kept: [Int] = []
    for part in counts.indices {
      let bits = finder.marks.bits(ofPart: part)
      for document in 0..<counts[part] {
        let isMarked = (bits[document / 8] >> (document % 8)) & 1 == 1
        if !isMarked { kept.append(starts[part] + document) }
      }
    }
    #expect(kept == firsts)
    #expect(firsts.count < total && firsts.count > 10)
  }

  private func document(_ generator: inout OracleGenerator) -> [String] {
    (0..<Int.random(in: 60...200, using: &generator)).map { _ in
      "w\(Int.random(in: 0..<2000, using: &generator))"
    }
  }

  /// Planted copies with a word in a hundred changed are found, copies with every fourth changed are not, in any units.
  @Test(arguments: [1024, 1 << 20]) func plantedCopies(shardBytes: Int) throws {
    var generator = OracleGenerator(seed: 42)
    var (texts, expected): ([String], [String]) = ([], [])
    for number in 0..<200 {
      var words = document(&generator)
      let text = words.joined(separator: " ")
      texts.append(text)
      expected.append(text)
      if number % 2 == 0 {
        words[words.count / 2] = "changed"
        texts.append(words.joined(separator: " ").capitalized + ".")
      } else {
        for index in stride(from: 0, to: words.count, by: 4) { words[index] = "changed\(index)" }
        texts.append(words.joined(separator: " "))
        expected.append(texts.last!)
      }
    }
    let builder = try CorpusBuilder(texts) { ($0.deduplicate, $0.shardBytes) = (.near, shardBytes) }
    let corpus = try builder.corpus()
    #expect(try corpus.texts(.train) == expected)
    #expect(corpus.manifest.leftOut == LeftOutCounts(nearDuplicate: 100))
    #expect(corpus.manifest.settings.deduplicate == .near)
    #expect(try builder.run().wasFinished)
  }

  /// Each is near the one before it; the last has little in common with the first.
  @Test func whatIsLinkedThroughOthersGoesToo() throws {
    var generator = OracleGenerator(seed: 43)
    var words = document(&generator)
    let first = words.joined(separator: " ")
    var texts = [first]
    for index in stride(from: 0, to: words.count, by: 4) {
      words[index] = "changed\(index)"
      texts.append(words.joined(separator: " "))
    }
    let linked = try CorpusBuilder(texts) { $0.deduplicate = .near }
    #expect(try linked.corpus().texts(.train) == [first])
    let ends = try CorpusBuilder([first, texts.last!]) { $0.deduplicate = .near }
    #expect(try ends.corpus().texts(.train).count == 2)
  }

  @Test func exactAndNearAreDifferentSettings() throws {
    let builder = try CorpusBuilder(["one", "One"]) { $0.deduplicate = .exact }
    #expect(try builder.corpus().texts(.train) == ["one", "One"])
    var settings = builder.settings
    settings.deduplicate = .near
    let text = errorText {
      _ = try Preprocessor(
        inputs: InputFile.list([builder.input]), settings: settings, output: builder.output
      ).run()
    }
    #expect(text.contains("`deduplicate` was exact and is now near"), "\(text)")
  }
}
