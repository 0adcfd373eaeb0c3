import Testing

@testable import HATServing
@testable import HATWeb

@Suite struct TextEventTests {
  private struct Event: Encodable {
    let choices: [String]
    let model = "10\u{10FFFF} \"%"
  }

  /// Control characters, what JSON has signs for, and characters of all lengths.
  @Test func anEventIsWhatTheEncoderWrites() throws {
    let event = try TextEvent { Event(choices: [$0]) }
    let all = (0..<0x300).compactMap { Unicode.Scalar($0) } + ["語", "🙂", "\u{2028}", "\u{10FFFE}"]
    for text in all.map({ String($0) }) + ["", "a\"\\/b\r\n", all.map { String($0) }.joined()] {
      #expect(event.bytes(text: Array(text.utf8)) == (try WebJSON.event(Event(choices: [text]))))
    }
  }

  @Test func eachChoiceHasItsOwn() throws {
    var events = TextEvents()
    for index in [1, 0, 1] {
      var update = TextUpdate(choice: index)
      update.text = Array("a\(index)".utf8)
      let bytes = try events.bytes(update) { CompletionChoice(index: index, text: $0) }
      #expect(bytes == (try WebJSON.event(CompletionChoice(index: index, text: "a\(index)"))))
    }
  }
}
