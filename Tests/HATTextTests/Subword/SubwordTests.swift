import Foundation
import HATRandom
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATText

@Suite("Subword vocabulary")
struct SubwordTests {
  /// How a tokenizer file writes each byte, as JSON.
  private static let byteNames: [String] = {
    let printable = [0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF]
    var next = 0x100
    return (0...0xFF).map { byte in
      if printable.contains(where: { $0.contains(byte) }) {
        let character = String(Unicode.Scalar(UInt32(byte))!)
        return ["\"", "\\"].contains(character) ? "\\" + character : character
      }
      defer { next += 1 }
      return String(Unicode.Scalar(UInt32(next))!)
    }
  }()

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

  @Test("A file that was tampered with is refused, with what is wrong")
  func forgedFiles() throws {
    let letters = (0..<256).map { "\"\(Self.byteNames[$0])\": \($0)" } + ["\"<document>\": 256"]
    func problem(_ tokens: [String], merges: [String]) -> String? {
      let vocabulary = (letters + tokens.enumerated().map { "\"\($1)\": \(257 + $0)" }).joined(
        separator: ", ")
      return self.problem("{\(vocabulary)}", merges)
    }
    #expect(problem(["ab", "abc"], merges: ["a b", "ab c"]) == nil)
    // A token of the same bytes may be made in two ways.
    #expect(problem(["ab", "bc", "abc"], merges: ["a b", "b c", "ab c", "a bc"]) == nil)
    let cases: [(tokens: [String], merges: [String], problem: String)] = [
      (["ab"], ["a b", "a b"], #"merge 2, "a b", cannot be: it is there twice"#),
      (["ab", "abc"], ["a b", "ab c", "a b"], "it is there twice"),
      (["ab"], ["a zz"], #"there is no token "zz""#), (["ab"], ["a b", "a c"], #"there is no token "ac""#),
      (["ab", "abc"], ["ab c", "a b"], #"no merge before it makes "ab""#),
      (["abc", "ab"], ["a b", "ab c"], "has the wrong number"), (["ab"], ["ab"], "two tokens"),
      (["ab"], ["a b c"], "two tokens"), (["ab", "cd"], ["a b"], #"no merge makes its token "cd""#),
      (["ab"], ["<document> a"], "document mark"), ([], ["a b"], #"there is no token "ab""#),
    ]
    for (tokens, merges, expected) in cases {
      #expect(problem(tokens, merges: merges)?.contains(expected) == true, "\(merges)")
    }
    // Names that lie: each token twice as long as the one before.
    let lies = (0..<60).flatMap { ["\"\($0)!\": \(257 + $0)", "\"\($0)!\($0)!\": \(258 + $0)"] }
    let doubling = (0..<60).map { "\($0)! \($0)!" }
    let liar = "{\((letters + ["\"aa\": 257"] + lies).joined(separator: ", "))}"
    #expect(self.problem(liar, ["a a"] + doubling)?.contains("number of another token") == true)
  }

  private func problem(_ vocabulary: String, _ merges: [String]) -> String? {
    let list = merges.map { "\"\($0)\"" }.joined(separator: ", ")
    let text = """
      {"version": "1.0", "decoder": {"type": "ByteLevel"},
       "pre_tokenizer": {"type": "Sequence", "pretokenizers": []},
       "model": {"type": "BPE", "vocab": \(vocabulary), "merges": [\(list)]}}
      """
    do {
      _ = SubwordEncoder(try TokenizerFile(content: Array(text.utf8), at: "t.json").vocabulary)
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test("Text full of the document mark's name gives a vocabulary that can be written")
  func documentMarkAsText() throws {
    let words = Self.counts(Array(repeating: "<document>", count: 50))
    let error = #expect(throws: UserError.self) {
      try SubwordVocabulary(learningFrom: words, count: 8192)
    }
    let hint = try #require(error).hint
    let count = try #require(Int(hint.drop { !$0.isNumber }.prefix { $0.isNumber }))
    let vocabulary = try SubwordVocabulary(learningFrom: words, count: count)
    let file = TokenizerFile(vocabulary)
    #expect(try TokenizerFile(content: file.content, at: "t.json") == file)
    #expect(
      vocabulary.decode(SubwordEncoder(vocabulary).encode(Array("<document>".utf8)))
        == Array("<document>".utf8))
  }

  @Test("A pair is joined once")
  func onePair() {
    var vocabulary = SubwordVocabulary()
    let pair = TokenPair(left: 97, right: 98)
    #expect(vocabulary.add(pair) == vocabulary.add(pair))
    #expect(vocabulary.merges.count == 1)
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
