import HATCore
import HATStorage
import HATText
import Testing

@Suite struct ChatTemplateTests {
  private let turns: [DialogueMessage] = [
    .init(.system, "Be brief."), .init(.user, "größer?\n"), .init(.assistant, ""), .init(.user, "[S]"),
  ]

  @Test func turnsStandBetweenMarks() {
    let expected: [[UInt8]] = [
      [0xF5], Array("Be brief.".utf8), [0xF8, 0xF6], Array("größer?\n".utf8), [0xF8, 0xF7, 0xF8, 0xF6],
      Array("[S]".utf8), [0xF8, 0xF7],
    ]
    #expect(ChatTemplate.turns.prompt(turns) == Array(expected.joined()))
    #expect(ChatTemplate.turns.stops.isEmpty)
  }

  @Test func thePlainTemplateIsText() {
    let expected = "System: Be brief.\nUser: größer?\n\nAssistant: \nUser: [S]\nAssistant: "
    #expect(ChatTemplate.plain.prompt(turns) == Array(expected.utf8))
  }

  @Test func recordsComeBackAndOthersAreRefused() throws {
    for template in ChatTemplate.allCases {
      #expect(try ChatTemplate(record: template.record, at: "here") == template)
    }
    #expect(ChatTemplate.plain.record == nil && ChatTemplate.turns.record == "turns-v1")
    for record in ["turns-v2", "plain", ""] {
      let error = #expect(throws: UserError.self) { try ChatTemplate(record: record, at: "here") }
      #expect(error?.kind == .configuration && error?.description.contains("turns-v1") == true)
    }
  }

  @Test func marksCutTexts() {
    #expect(MarkedTextPart.parts(of: []) == [])
    #expect(MarkedTextPart.parts(of: [0xF6, 0xF8]) == [.mark(0xF6), .mark(0xF8)])
    #expect(
      MarkedTextPart.parts(of: [1, 2, 0xF5, 3, 0xF8, 4])
        == [.text([1, 2]), .mark(0xF5), .text([3]), .mark(0xF8), .text([4])])
  }
}
