import TestSupport
import Testing

@testable import HATText

@Suite struct MinHashTests {
  private func signature(_ text: String) -> [UInt32] {
    var minHash = MinHash()
    return Array(text.utf8).withUnsafeBufferPointer { minHash.signature(of: $0) }
  }

  private func bands(_ text: String) -> [UInt64] {
    var minHash = MinHash()
    // What it keeps of one text is of no concern to the next.
    _ = Array("another text, which is longer than that".utf8).withUnsafeBufferPointer {
      minHash.bands(of: $0)
    }
    return Array(text.utf8).withUnsafeBufferPointer { minHash.bands(of: $0) }
  }

  /// How similar two lists of plain words are, by sets of five words in a row.
  private func similarity(_ one: [String], _ two: [String]) -> Double {
    func shingles(_ words: [String]) -> Set<[String]> {
      Set((0...words.count - 5).map { Array(words[$0..<$0 + 5]) })
    }
    let (one, two) = (shingles(one), shingles(two))
    return Double(one.intersection(two).count) / Double(one.union(two).count)
  }

  /// Pairs of texts of all similarities: how many values agree is the similarity, as exactly as 112 trials can tell it.
  @Test func agreementIsSimilarity() throws {
    var generator = OracleGenerator(seed: 40)
    var (difference, pairs) = (0.0, 0)
    var isCovered = [Bool](repeating: false, count: 10)
    for _ in 0..<300 {
      let one = (0..<Int.random(in: 20...400, using: &generator)).map { _ in
        "w\(Int.random(in: 0..<5000, using: &generator))"
      }
      var two = one
      for _ in 0..<Int.random(in: 0...one.count / 5, using: &generator) {
        two[Int.random(in: 0..<two.count, using: &generator)] = "other"
      }
      let expected = similarity(one, two)
      let (first, second) = (
        signature(one.joined(separator: " ")), signature(two.joined(separator: "  ") + "\n")
      )
      #expect(first.count == 112)
      let found = Double(zip(first, second).count { $0 == $1 }) / 112
      let deviation = (expected * (1 - expected) / 112).squareRoot()
      #expect(abs(found - expected) <= 4.5 * deviation + 0.01, "\(found) instead of \(expected)")
      difference += found - expected
      pairs += 1
      isCovered[min(9, Int(expected * 10))] = true
      // A band is eight values in a row.
      let sameBands = (0..<14).filter { (band: Int) in
        let values = band * 8..<band * 8 + 8
        return first[values] == second[values]
      }
      let (left, right) = (
        bands(one.joined(separator: " ")), bands(two.joined(separator: " "))
      )
      #expect((0..<14).filter { left[$0] == right[$0] } == sameBands)
    }
    #expect(isCovered.allSatisfy { $0 })
    // The mean of many is nearer: there is no bias.
    #expect(abs(difference / Double(pairs)) < 0.006)
  }

  @Test func caseSpaceAndPunctuationDoNotCount() {
    let plain = bands("well said the old sailor it isn t 12 o clock yet and we sail")
    for text in [
      "Well said, the old sailor: it isn't 12 o'clock yet, and we sail!",
      "“WELL said”, the old sailor…\n\nit isn’t 12 o’clock yet — and\u{A0}we sail。",
      "  well\tsaid\u{3000}the old (sailor) it isn't 12 o-clock yet and we sail\u{2028}",
    ] {
      #expect(bands(text) == plain, "\(text)")
    }
    #expect(bands("well said the sailor old it isn t 12 o clock yet and we sail") != plain)
    #expect(signature("ÉTÉ à la mer et au soleil") != signature("été à la mer et au soleil"))
  }

  @Test func shortTexts() {
    #expect(bands("One, two.") == bands("one two"))
    #expect(bands("one two") != bands("two one"))
    #expect(bands("one") != bands("one one"))
    #expect(bands("one two three four five") != bands("one two three four"))
    // Without words a text is what it is.
    #expect(bands("!!!") == bands("!!!"))
    #expect(bands("!!!") != bands("???"))
    #expect(bands(" ") != bands("\n"))
  }

  /// Writing without spaces has words too.
  @Test func chinese() {
    let sentence = "我们在海边散步的时候看见一只白色的大船慢慢地离开港口向着远方驶去"
    let other = sentence.replacing("大船", with: "小船")
    let agreeing = zip(signature(sentence), signature(other)).count { $0 == $1 }
    #expect(40..<112 ~= agreeing, "\(agreeing)")
  }
}
