import Foundation
import HATRandom
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATText

@Suite("Subword vocabulary")
struct SubwordTests {
  static func counts(_ texts: [String]) -> WordCounts {
    texts.reduce(into: WordCounts()) { $0.add(Array($1.utf8)) }
  }

  /// Byte-pair encoding as its definition reads: count all pairs, join the best everywhere, again.
  static func plainMerges(_ text: String, count: Int) -> [TokenPair] {
    var vocabulary = SubwordVocabulary()
    var words = text.split(separator: " ").map { Array($0.utf8).map(Int32.init) }
    while vocabulary.count < count {
      var pairs: [TokenPair: Int] = [:]
      for word in words {
        for (left, right) in zip(word, word.dropFirst()) {
          pairs[TokenPair(left: left, right: right), default: 0] += 1
        }
      }
      let best = pairs.max {
        ($0.value, $1.key.left, $1.key.right) < ($1.value, $0.key.left, $0.key.right)
      }
      guard let best, best.value >= 2 else { break }
      let token = vocabulary.add(best.key)
      words = words.map { join($0, best.key, token) }
    }
    return vocabulary.merges.map(\.pair)
  }

  static func join(_ word: [Int32], _ pair: TokenPair, _ token: Int32) -> [Int32] {
    var (joined, place) = ([Int32](), 0)
    while place < word.count {
      if place + 1 < word.count, word[place] == pair.left, word[place + 1] == pair.right {
        joined.append(token)
        place += 2
      } else {
        joined.append(word[place])
        place += 1
      }
    }
    return joined
  }

  @Test("Learns what the plain definition learns", arguments: 0..<20)
  func sameAsDefinition(seed: UInt64) throws {
    var random = RandomSource(keys: seed, 77)
    // Few letters: many ties, repeated letters, tokens that are reached in two ways.
    let words = (0..<60).map { _ in
      String((0..<random.next(below: 9) + 1).map { _ in Array("aab")[random.next(below: 3)] })
    }
    let text = words.joined(separator: " ")
    let expected = Self.plainMerges(text, count: 285)
    let size = expected.reduce(into: SubwordVocabulary()) { _ = $0.add($1) }.count
    // A word at a time: the plain definition knows no white space.
    let learned = try SubwordVocabulary(learningFrom: Self.counts(words), count: size)
    #expect(learned.merges.map(\.pair) == expected)
  }

  @Test("Any text comes back, whatever is in it")
  func lossless() throws {
    let vocabulary = try SubwordVocabulary(
      learningFrom: Self.counts(Array(repeating: "the cat and the dog, der Hund und die Katze ", count: 2)),
      count: 270)
    let encoder = SubwordEncoder(vocabulary)
    for text in [
      "", " ", "the dog\r\n\tthe catthe", "Grüße, 世界！ 🎈\u{0}", String(repeating: "the", count: 5000),
    ] {
      let tokens = encoder.encode(Array(text.utf8))
      #expect(vocabulary.decode(tokens) == Array(text.utf8))
      #expect(encoder.encode(Array(text.utf8)) == tokens, "known words are written alike")
    }
    #expect(!encoder.encode(Array("<document>".utf8)).contains(SubwordVocabulary.documentMark))
  }

  @Test("The earliest merge comes first, whatever a word's length")
  func longWords() throws {
    let word = "abracadabra"
    let vocabulary = try SubwordVocabulary(
      learningFrom: Self.counts([String(repeating: word + " ", count: 3)]), count: 264)
    let tokens = SubwordEncoder(vocabulary).encode(Array(String(repeating: word, count: 40).utf8))
    var plain = Array(String(repeating: word, count: 40).utf8).map(Int32.init)
    for merge in vocabulary.merges { plain = Self.join(plain, merge.pair, merge.token) }
    #expect(tokens == plain)
  }

  @Test("A tokenizer file reads back as it was written, and a damaged one is refused")
  func file() throws {
    let folder = TemporaryFolder()
    let path = FilePath(folder.path).appending("tokenizer.json")
    let vocabulary = try SubwordVocabulary(
      learningFrom: Self.counts(Array(repeating: "to be or not to be, that is the question: ", count: 2)),
      count: 268)
    try TokenizerFile(vocabulary).write(to: path)
    #expect(try TokenizerFile(reading: path).vocabulary == vocabulary)

    let text = try String(contentsOfFile: path.string, encoding: .utf8)
    for (old, new) in [
      ("\"t h\"", "\"h t\""), ("{", "["), ("\"b e\"", "\"b zz\""), ("\"<document>\"", "\"x\""),
    ] {
      #expect(text.contains(old))
      try text.replacingOccurrences(of: old, with: new).write(
        toFile: path.string, atomically: true, encoding: .utf8)
      #expect(throws: UserError.self) { try TokenizerFile(reading: path).vocabulary }
    }
  }

  @Test("A vocabulary larger than the text can give is refused, with the size that works")
  func tooLarge() throws {
    let error = #expect(throws: UserError.self) {
      try SubwordVocabulary(learningFrom: Self.counts(["aaaa aaaa"]), count: 8192)
    }
    #expect(error?.kind == .configuration)
    #expect(error?.hint.contains("at most 259") == true)
  }
}

/// What the Hugging Face library `tokenizers` makes of some texts (scripts/check-tokenizer --write).
@Suite("Tokenizer file")
struct TokenizerFixtureTests {
  private struct Observation: Decodable {
    var text: String
    var ids: [Int32]
  }

  private static func resource(_ name: String) throws -> URL {
    try #require(Bundle.module.url(forResource: "Resources/\(name)", withExtension: nil))
  }

  @Test("The tokens of the library of reference, in many scripts and on hostile text")
  func sameTokens() throws {
    let file = try TokenizerFile(reading: FilePath(Self.resource("tokenizer-512.json").path))
    let vocabulary = file.vocabulary
    #expect(TokenizerFile(vocabulary) == file, "an earlier version wrote the same bytes")
    let encoder = SubwordEncoder(vocabulary)
    let lines = try String(contentsOf: Self.resource("tokenizer-ids.jsonl"), encoding: .utf8)
    let observations = try lines.split(separator: "\n").map {
      try JSONDecoder().decode(Observation.self, from: Data($0.utf8))
    }
    #expect(observations.count == 21)
    for observation in observations {
      #expect(encoder.encode(Array(observation.text.utf8)) == observation.ids, "\(observation.text)")
      #expect(vocabulary.decode(observation.ids) == Array(observation.text.utf8))
    }
  }
}
