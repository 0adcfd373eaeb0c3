import Testing

@testable import HATTerminal

@Suite struct ParagraphTests {
  private static let text = "a/run is better in bits per byte, word accuracy, mark bits per byte"

  @Test(arguments: 20...80) func linesFitTheWidth(width: Int) {
    let lines = Paragraph.lines(Self.text, width: width)
    #expect(lines.allSatisfy { $0.count <= width })
    #expect(lines.flatMap { $0.split(separator: " ") }.joined(separator: " ") == Self.text)
  }

  @Test func aLineIsAsLongAsItCanBe() {
    #expect(Paragraph.lines("one two three", width: 15) == ["  one two three"])
    #expect(Paragraph.lines("one two three", width: 14) == ["  one two", "    three"])
  }

  @Test func aLongWordStaysWhole() {
    #expect(Paragraph.lines("a \(String(repeating: "x", count: 30)) b", width: 10).count == 3)
  }
}
