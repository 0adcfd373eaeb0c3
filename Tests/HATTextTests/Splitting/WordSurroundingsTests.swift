import Testing

@testable import HATText

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
