import HATStorage
import Testing

@testable import HATText

/// What becomes of lines of dialogues and preferences.
@Suite("Lines of dialogues") struct DialogueLineTests {
  /// The documents of a corpus of these lines, as people read them.
  private func shown(_ lines: [String], _ kind: DocumentKind = .dialogues) throws -> [String] {
    let builder = try CorpusBuilder(lines: lines, kind)
    let corpus = try builder.corpus()
    #expect(corpus.documents == kind)
    return try corpus.documents().map(\.shown)
  }

  @Test("A dialogue is its turns behind marks, and its answers count")
  func dialogue() throws {
    let line = #"""
      {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Who are you?"},
       {"role": "assistant", "content": "A model."}]}
      """#.replacing("\n", with: "")
    #expect(
      try shown([line]) == [
        "[system]|Be |kind.|[turn end]|[user]|Who |are |you?|[turn end]|[assistant]|*A |*model.|*[turn end]"
      ])
  }

  @Test("Turns may come in any order, be empty, and not count")
  func oddDialogues() throws {
    #expect(
      try shown([
        #"{"messages": [{"role": "assistant", "content": ""}]}"#,
        #"{"messages": [{"role": "developer", "content": "x", "name": "n"}, {"role": "assistant", "content": "a", "weight": 0}, {"role": "assistant", "content": "b", "weight": 1}]}"#,
        #"{"messages": [{"role": "user", "content": [{"type": "text", "text": "to"}, {"type": "text", "text": "be"}], "weight": 0}, {"role": "assistant", "content": "é\nb", "tool_calls": [], "function_call": {}, "weight": null}]}"#,
      ]) == [
        "[assistant]|*[turn end]",
        "[system]|x|[turn end]|[assistant]|a|[turn end]|[assistant]|*b|*[turn end]",
        "[user]|tobe|[turn end]|[assistant]|*é\n|*b|*[turn end]",
      ])
  }

  @Test("A pair is two dialogues with the same beginning, and what is behind it counts")
  func preferences() throws {
    let expected =
      "[user]|q|[turn end]|[assistant]|*a |*b|*[turn end]|[S]|[user]|q|[turn end]|[assistant]|*c|*[turn end]"
    let (question, one, other) = (
      #"{"role": "user", "content": "q"}"#, #"{"role": "assistant", "content": "a b"}"#,
      #"{"role": "assistant", "content": "c"}"#
    )
    for line in [
      #"{"prompt": "q", "chosen": "a b", "rejected": "c"}"#,
      #"{"prompt": [\#(question)], "chosen": [\#(one)], "rejected": "c"}"#,
      // The prompt is in the dialogues, as UltraFeedback has it.
      #"{"prompt": "q", "chosen": [\#(question), \#(one)], "rejected": [\#(question), \#(other)]}"#,
      #"{"prompt": "", "chosen": [\#(question), \#(one)], "rejected": [\#(question), \#(other)]}"#,
      #"{"prompt": [\#(question)], "chosen": [\#(question), \#(one)], "rejected": [\#(question), \#(other)]}"#,
      #"{"prompt": null, "chosen": [\#(question), \#(one)], "rejected": [\#(question), \#(other)]}"#,
      #"{"chosen": [\#(question), \#(one)], "rejected": [\#(question), \#(other)]}"#,
    ] { #expect(try shown([line], .preferences) == [expected], "\(line)") }
    // Answers of the prompt do not count.
    #expect(
      try shown(
        [
          #"{"chosen": [\#(other), \#(question), \#(one)], "rejected": [\#(other), \#(question), \#(other)]}"#
        ],
        .preferences) == [
          "[assistant]|c|[turn end]|[user]|q|[turn end]|[assistant]|*a |*b|*[turn end]|[S]|"
            + "[assistant]|c|[turn end]|[user]|q|[turn end]|[assistant]|*c|*[turn end]"
        ])
    #expect(
      try shown([#"{"chosen": "a", "rejected": "b"}"#], .preferences)
        == ["[assistant]|*a|*[turn end]|[S]|[assistant]|*b|*[turn end]"])
  }

  @Test("What has nothing to learn is left out and counted")
  func leftOut() throws {
    let answer = #"{"role": "assistant", "content": "a"}"#
    let dialogues = try CorpusBuilder(
      lines: [
        #"{"messages": []}"#, #"{"messages": [{"role": "user", "content": "q"}]}"#, "",
        #"{"messages": [{"role": "assistant", "content": "a", "weight": 0}]}"#,
        #"{"messages": [\#(answer)]}"#,
      ], .dialogues
    ).run().manifest
    #expect(dialogues.leftOut == LeftOutCounts(empty: 1, withoutAnswer: 3))
    #expect(dialogues.train.counts.documents == 1 && dialogues.longestPair == nil && dialogues.version == 3)
    let preferences = try CorpusBuilder(
      lines: [
        #"{"prompt": "q", "chosen": "a", "rejected": "a"}"#,
        #"{"prompt": "q", "chosen": [], "rejected": "a"}"#,
        #"{"chosen": [\#(answer)], "rejected": [\#(answer), \#(answer)]}"#,
        // Equal to people, and to Swift's strings, but not to a model.
        #"{"prompt": "q", "chosen": "\u00e9", "rejected": "e\u0301"}"#,
      ], .preferences
    ).run().manifest
    #expect(preferences.leftOut == LeftOutCounts(withoutAnswer: 2, withoutPreference: 1))
    #expect(preferences.train.counts.documents == 1)
    #expect(preferences.longestPair == SequenceSize(words: 14, bytes: 17))
  }

  @Test("An input with nothing to learn is an error that says so")
  func nothing() throws {
    let builder = try CorpusBuilder(lines: [#"{"messages": []}"#], .dialogues)
    #expect(errorText { try builder.run() }.contains("there is nothing to learn: in 1 lines"))
  }

  private static let badDialogues: [(line: String, problem: String)] = [
    (#"{"text": "a"}"#, "there is no field \"messages\", but \"text\""),
    (#"{"chosen": "a", "rejected": "b"}"#, "`documents` preferences"),
    (#"{"conversations": [{"from": "human", "value": "q"}]}"#, "ShareGPT"),
    (#"{"other": 1}"#, "there is no field \"messages\""),
    (#"{"messages": "a"}"#, "the field \"messages\" is not a list of messages"),
    (#"{"messages": null}"#, "the field \"messages\" is not a list of messages"),
    (#"{"messages": [], "messages": []}"#, "occurs twice"),
    (#"{"messages": [1]}"#, "message 1 of \"messages\" is not an object"),
    (#"{"messages": [null]}"#, "message 1 of \"messages\" is not an object"),
    (#"{"messages": [{"content": "q"}]}"#, "message 1 of \"messages\" has no \"role\""),
    (#"{"messages": [{"from": "human", "value": "q"}]}"#, "ShareGPT"),
    (
      #"{"messages": [{"role": 3, "content": "q"}]}"#, "the role of message 1 of \"messages\" is not a string"
    ),
    (
      #"{"messages": [{"role": "user", "content": "q"}, {"role": "bot", "content": "a"}]}"#,
      "message 2 of \"messages\" has the unknown role \"bot\". The roles are system, developer, user and assistant."
    ),
    (#"{"messages": [{"role": "tool", "content": "q"}]}"#, "write the calls as text"),
    (
      #"{"messages": [{"role": "assistant", "content": null, "tool_calls": [{}]}]}"#,
      "calls tools (\"tool_calls\")"
    ),
    (
      #"{"messages": [{"role": "assistant", "content": null, "function_call": {"name": "f"}}]}"#,
      "calls tools (\"function_call\")"
    ),
    (#"{"messages": [{"role": "user"}]}"#, "message 1 of \"messages\" has no \"content\""),
    (#"{"messages": [{"role": "user", "content": null}]}"#, "neither a string nor a list of parts"),
    (#"{"messages": [{"role": "user", "content": 3}]}"#, "neither a string nor a list of parts"),
    (#"{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}"#, "a part that is no text"),
    (#"{"messages": [{"role": "user", "content": ["q"]}]}"#, "a part that is no text"),
    (#"{"messages": [{"role": "assistant", "content": "a", "weight": 0.5}]}"#, "is neither 0 nor 1"),
    (#"{"messages": [{"role": "assistant", "content": "a", "weight": true}]}"#, "is neither 0 nor 1"),
    (#"{"messages": [{"role": "user", "content": "a", "weight": 1}]}"#, "has weight 1 and the role user"),
    (#"[]"#, "not a JSON object"), (#"{"messages": ["#, "not valid JSON"),
    (#"{"messages": [{"role": "user", "content": "\ud800"}]}"#, "half of a surrogate pair"),
    (#"{"messages": [{"role": "user", "content": "a"}]} x"#, "not valid JSON"),
  ]

  private static let badPreferences: [(line: String, problem: String)] = [
    (#"{"messages": []}"#, "`documents` dialogues"), (#"{"chosen": "a"}"#, "there is no field \"rejected\""),
    (#"{"rejected": "a"}"#, "there is no field \"chosen\""),
    (#"{"chosen": 1, "rejected": "a"}"#, "the field \"chosen\" is neither a string nor a list of messages"),
    (#"{"prompt": {}, "chosen": "b", "rejected": "a"}"#, "the field \"prompt\" is neither"),
    (
      #"{"chosen": "b", "rejected": [{"role": "judge", "content": "a"}]}"#,
      "message 1 of \"rejected\" has the unknown role \"judge\""
    ),
  ]

  @Test(
    "Bad lines are refused with file, line and what is wrong",
    arguments: [DocumentKind.dialogues, .preferences])
  func badLines(kind: DocumentKind) throws {
    let good =
      kind == .dialogues
      ? #"{"messages": [{"role": "assistant", "content": "a"}]}"# : #"{"chosen": "a", "rejected": "b"}"#
    for (line, problem) in kind == .dialogues ? Self.badDialogues : Self.badPreferences {
      let builder = try CorpusBuilder(lines: [good, line], kind)
      let text = errorText { try builder.run() }
      #expect(errorKind { try builder.run() } == .invalidData, "\(line)")
      #expect(text.contains("input.jsonl:2:") && text.contains(problem), "\(line): \(text)")
    }
  }

  @Test("Text that is not UTF-8 is refused, repaired or left out")
  func invalidText() throws {
    let bytes =
      Array(#"{"messages": [{"role": "assistant", "content": "a"#.utf8) + [0xF7] + Array(#"b"}]}"#.utf8)
    for (policy, expected) in [
      (InvalidTextPolicy.replace, ["[assistant]|*a\u{FFFD}b|*[turn end]", "[assistant]|*c|*[turn end]"]),
      (.skip, ["[assistant]|*c|*[turn end]"]),
    ] {
      let builder = try CorpusBuilder(lines: [], .dialogues) { $0.invalidText = policy }
      try builder.write(
        bytes: bytes + Array("\n".utf8)
          + Array(#"{"messages": [{"role": "assistant", "content": "c"}]}"#.utf8))
      #expect(try builder.corpus().documents().map(\.shown) == expected)
    }
    let builder = try CorpusBuilder(lines: [], .dialogues)
    try builder.write(bytes: bytes)
    #expect(errorText { try builder.run() }.contains("not valid UTF-8"))
  }
}
