import Testing

@testable import HATTerminal

@Suite struct TextTableTests {
  @Test func wordsWrapAndStayWhole() {
    #expect(TextTable.wrapped("one two three", width: 7) == ["one two", "three"])
    #expect(TextTable.wrapped("one two three", width: 13) == ["one two three"])
    #expect(TextTable.wrapped("a longword b", width: 4) == ["a", "longword", "b"])
    #expect(TextTable.wrapped("", width: 4) == [""])
  }
}
