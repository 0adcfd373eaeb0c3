import Testing

@testable import HATText

@Suite struct WordSplitterTests {
  static let rules: [SplittingRule] = [.whitespace, .unicode, .fixed(1), .fixed(3), .fixed(4)]
  static let limits = [4, 5, 7, 16, 64, 255, 256, 65_535]

  private func words(_ text: String, _ rule: SplittingRule = .whitespace, limit: Int = 64) throws -> [String]
  {
    let bytes = Array(text.utf8)
    var start = 0
    return try WordSplitter(rule, maximumWordBytes: limit).split(bytes).map { length in
      defer { start += Int(length) }
      return String(decoding: bytes[start..<start + Int(length)], as: UTF8.self)
    }
  }

  @Test func cutsAfterWhitespace() throws {
    #expect(try words("To be,  or\n\nnot") == ["To ", "be,  ", "or\n\n", "not"])
    #expect(try words("") == [])
    #expect(try words(" \n") == [" \n"])
    #expect(try words("  a") == ["  ", "a"])
    #expect(try words("a\u{200B}b\u{180E}c") == ["a\u{200B}b\u{180E}c"])
  }

  @Test func knowsUnicodeWhitespaceExactly() throws {
    let splitter = try WordSplitter(.whitespace)
    for value in (0...0x10FFFF as ClosedRange<UInt32>) {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let text = Array("a\(scalar)b".utf8)
      let count = splitter.split(text).count
      guard count == (scalar.properties.isWhitespace ? 2 : 1) else {
        Issue.record("U+\(String(value, radix: 16)) is cut wrongly")
        return
      }
    }
  }

  /// Scalar by scalar, as docs/model.md says it.
  private func slowWhitespaceLengths(_ text: [UInt8]) -> [UInt32] {
    var lengths: [UInt32] = []
    var previousIsSpace = false
    for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
      let isSpace = scalar.properties.isWhitespace
      if lengths.isEmpty || (previousIsSpace && !isSpace) { lengths.append(0) }
      lengths[lengths.count - 1] += UInt32(UTF8.width(scalar))
      previousIsSpace = isSpace
    }
    return lengths
  }

  @Test func whitespaceAgreesWithASlowSplitterAtEveryOffset() throws {
    var generator = TextGenerator(seed: 4)
    let splitter = try WordSplitter(.whitespace, maximumWordBytes: .max)
    for round in 0..<600 {
      let prose = Array(generator.prose(words: round % 60).utf8)
      let text = round % 3 == 0 ? prose : prose + generator.text(scalars: round) + prose
      try #require(splitter.split(text) == slowWhitespaceLengths(text))
    }
    let scalars = ["\u{A0}", "\u{3000}", "\u{3001}", "é", " ", "x"]
    for padding in 0..<130 {
      for scalar in scalars {
        let text = Array((String(repeating: "y", count: padding) + scalar + "z " + scalar).utf8)
        try #require(splitter.split(text) == slowWhitespaceLengths(text), "\(scalar) after \(padding) bytes")
      }
    }
  }

  @Test func fixedCutsAtTheNextScalar() throws {
    #expect(try words("abcdefg", .fixed(3)) == ["abc", "def", "g"])
    #expect(try words("aéé", .fixed(2)) == ["aé", "é"])
  }

  @Test func longWordsAreCutAtTheLastScalarThatFits() throws {
    #expect(try words("abcdefghij k", limit: 4) == ["abcd", "efgh", "ij ", "k"])
    #expect(try words("ab中文", limit: 4) == ["ab", "中", "文"])
    #expect(try words("🙂🙂", limit: 4) == ["🙂", "🙂"])
  }

  @Test(arguments: rules) func wordsAreTheTextWithinTheLimit(rule: SplittingRule) throws {
    var generator = TextGenerator(seed: 1)
    for round in 0..<300 {
      let text = generator.text(scalars: round % 97 * (round % 5 == 0 ? 20 : 1))
      for limit in Self.limits {
        let lengths = try WordSplitter(rule, maximumWordBytes: limit).split(text)
        try #require(lengths.reduce(0, +) == text.count)
        try #require(lengths.allSatisfy { 1...UInt32(limit) ~= $0 })
        var start = 0
        for length in lengths {
          try #require(!UTF8.isContinuation(text[start]), "a word starts inside a scalar")
          start += Int(length)
        }
      }
    }
  }

  @Test func textAddedToTheRightMovesNoBoundaryButTheLast() throws {
    var generator = TextGenerator(seed: 2)
    for rule in Self.rules {
      let splitter = try WordSplitter(rule, maximumWordBytes: 16)
      for _ in 0..<100 {
        let (text, more) = (generator.text(scalars: 30), generator.text(scalars: 5))
        let (short, long) = (splitter.split(text), splitter.split(text + more))
        try #require(long.starts(with: short.dropLast()))
      }
    }
  }

  @Test func tenMegabytesWithoutWhitespace() throws {
    let lengths = try WordSplitter(.whitespace).split([UInt8](repeating: 0x61, count: 10_000_000))
    #expect(lengths.count == 156_250)
    #expect(lengths.allSatisfy { $0 == 64 })
  }

  @Test func impossibleLimitsAreRefused() {
    #expect(errorKind { _ = try WordSplitter(.whitespace, maximumWordBytes: 3) } == .wrongUsage)
    #expect(errorKind { _ = try WordSplitter(.fixed(65)) } == .wrongUsage)
  }

  @Test func rulesAreWrittenAndReadAlike() throws {
    for rule in Self.rules {
      #expect(try SplittingRule(parsing: rule.name) == rule)
      #expect(try SplittingRule(versionedName: rule.versionedName) == rule)
    }
    for text in [
      "", "fixed", "fixed:", "fixed:0", "fixed:-1", "fixed:+3", "fixed:08", "Whitespace", "words",
      "unicode-16.0",
    ] {
      #expect(errorKind { _ = try SplittingRule(parsing: text) } == .wrongUsage)
    }
    for name in ["", "whitespace", "whitespace-v9", "unicode-v1", "unicode-15.0-v1", "fixed:8-v1-v1"] {
      #expect(errorKind { _ = try SplittingRule(versionedName: name) } == .invalidData)
    }
    #expect(SplittingRule.unicode.versionedName == "unicode-16.0-v1")
  }
}

@Suite struct WordSurroundingsTests {
  private func word(_ word: String, _ rule: SplittingRule, longest: Int = 64) throws -> String? {
    try WordSplitter(rule, maximumWordBytes: longest).wordBetweenOthers(word).map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  @Test func theRuleDecidesWhereWhiteSpaceGoes() throws {
    #expect(try word("running", .whitespace) == "running ")
    #expect(try word("größer", .unicode) == " größer")
    #expect(try word("can't,", .whitespace) == "can't, ")
  }

  @Test func whatIsNotOneWordHasNone() throws {
    for text in ["", " ", "two words", "a\tb"] { #expect(try word(text, .whitespace) == nil, "\(text)") }
    #expect(try word("camelCase", .unicode) == nil)
    #expect(try word("abcdefghi", .whitespace, longest: 8) == nil)
  }

  @Test func theLimitMayLeaveNoRoomForWhiteSpace() throws {
    #expect(try word("abcdefg", .whitespace, longest: 8) == "abcdefg ")
    #expect(try word("abcdefgh", .whitespace, longest: 8) == "abcdefgh")
  }
}
