import Testing

@testable import HATTerminal

@Suite struct JSONOutputTests {
  /// Nothing invisible stays unescaped.
  @Test(
    arguments: [
      ("a \"b\" \\", #"a \"b\" \\"#), ("\n\r\t", #"\n\r\t"#), ("größer 語 😀", "größer 語 😀"),
      ("\u{0}\u{7F}", #"\u0000\u007f"#), ("\u{A0}\u{2003}", #"\u00a0\u2003"#),
      ("e\u{301}\u{200B}", #"e\u0301\u200b"#), ("\u{E000}\u{F0000}", #"\ue000\udb80\udc00"#),
    ])
  func literalsShowWhatIsThere(text: String, literal: String) {
    #expect(JSONOutput.literal(text.utf8) == "\"\(literal)\"")
  }

  @Test func bytesThatAreNoTextAreReplaced() {
    #expect(JSONOutput.literal([0x61, 0xFF] as [UInt8]) == "\"a\u{FFFD}\"")
  }

  @Test func optionsTakeThePlaceOfSettings() {
    #expect(OptionNames.put(into: "`maximumBytes` 3, not `unknown`") == "--max-bytes 3, not `unknown`")
  }
}
