import HATText
import Testing

@Suite struct PartOfTextTests {
  private static let text = Array("größer 語 🙂\u{a0}und\n so weiter ".utf8)

  @Test(arguments: [SplittingRule.whitespace, .unicode, .fixed(3)]) func everyPartIsCutIntoWords(
    rule: SplittingRule
  ) throws {
    let splitter = try WordSplitter(rule, maximumWordBytes: 6)
    for start in 0..<Self.text.count {
      for end in start...Self.text.count {
        let part = Array(Self.text[start..<end])
        let lengths = try #require(splitter.split(partOfText: part))
        #expect(lengths.reduce(0, +) == part.count)
        #expect(lengths.allSatisfy { 1...6 ~= $0 })
        if String(validating: part, as: UTF8.self) != nil { #expect(lengths == splitter.split(part)) }
      }
    }
  }

  @Test func partsOfCharactersBelongToTheWordsBesideThem() throws {
    let splitter = try WordSplitter(.whitespace)
    #expect(splitter.split(partOfText: [0x9F, 0x62, 0x20, 0x63, 0xC3]) == [3, 2])
    #expect(splitter.split(partOfText: [0xC3]) == [1])
    #expect(splitter.split(partOfText: [0x9F, 0xC3]) == [2])
    #expect(splitter.split(partOfText: []) == [])
    #expect(
      try WordSplitter(.whitespace, maximumWordBytes: 4).split(partOfText: Array("abcd".utf8) + [0xE2, 0x82])
        == [4, 2])
  }

  @Test func whatIsInNoTextIsRefused() throws {
    let splitter = try WordSplitter(.whitespace)
    for bytes: [UInt8] in [
      [0xFF], [0x61, 0xFE], [0x61, 0x80, 0x61], [0x80, 0x80, 0x80, 0x80], [0xC3, 0x28], [0xED, 0xA0, 0x80],
      [0x61, 0xC0],
    ] {
      #expect(splitter.split(partOfText: bytes) == nil, "\(bytes)")
    }
  }
}
