/// What is wrong with a dialogue in JSON; the reader adds the place.
struct DialogueFault: Error {
  var problem: String
  var hint: String
}

/// `{"messages": […]}`, the form of OpenAI, TRL and others.
struct DialogueLine: Decodable {
  let messages: [DialogueMessage]

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: FieldName.self)
    guard fields.contains("messages") else { throw Self.fault(withoutMessages: fields) }
    messages = try MessageList.messages(of: fields, "messages")
  }

  private static func fault(withoutMessages fields: JSONFields) -> DialogueFault {
    let problem = "there is no field \"messages\""
    if fields.contains("conversations") {
      return DialogueFault(
        problem: problem + ", but \"conversations\", as in the form ShareGPT",
        hint:
          "Rename \"conversations\" to \"messages\", in each message \"from\" to \"role\" and \"value\" to "
          + "\"content\", and the roles human to user and gpt to assistant.")
    }
    if fields.contains("chosen") {
      return DialogueFault(
        problem: problem + ", but \"chosen\"", hint: "For pairs use `documents` preferences.")
    }
    if fields.contains("text") {
      return DialogueFault(problem: problem + ", but \"text\"", hint: "For text leave `documents` out.")
    }
    return DialogueFault(
      problem: problem,
      hint:
        "A line is {\"messages\": [{\"role\": \"user\", \"content\": \"…\"}, {\"role\": \"assistant\", \"content\": \"…\"}]}."
    )
  }
}

/// `{"prompt": …, "chosen": …, "rejected": …}`, the form of TRL: lists of messages or strings.
struct PreferenceLine: Decodable {
  let prompt: [DialogueMessage]
  /// What follows the prompt.
  let chosen: [DialogueMessage]
  let rejected: [DialogueMessage]

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: FieldName.self)
    for name in ["chosen", "rejected"] where !fields.contains(FieldName(name)) {
      throw DialogueFault(
        problem: "there is no field \"\(name)\"",
        hint: fields.contains("messages")
          ? "For dialogues use `documents` dialogues."
          : "A line is {\"prompt\": \"…\", \"chosen\": \"…\", \"rejected\": \"…\"}, each a string or a list of messages."
      )
    }
    let (chosen, chosenIsList) = try Self.messages(of: fields, "chosen", .assistant)
    let (rejected, rejectedIsList) = try Self.messages(of: fields, "rejected", .assistant)
    let given = try fields.isNull("prompt") ? nil : Self.messages(of: fields, "prompt", .user)
    let areLists = chosenIsList && rejectedIsList
    if let given, !(areLists && Self.repeats(given, in: [chosen, rejected])) {
      (prompt, self.chosen, self.rejected) = (given.messages, chosen, rejected)
      return
    }
    // What the dialogues have in common at the beginning, up to a given prompt that they repeat.
    let common = zip(chosen, rejected).prefix { $0.turn == $1.turn }.count
    let length = given?.isList == true ? given!.messages.count : common
    prompt = Array(chosen.prefix(length))
    (self.chosen, self.rejected) = (Array(chosen.dropFirst(length)), Array(rejected.dropFirst(length)))
  }

  /// Whether dialogues begin with the prompt. A string beside dialogues that begin with a question is a note of what they begin
  /// with, as TRL reads it.
  private static func repeats(
    _ prompt: (messages: [DialogueMessage], isList: Bool), in dialogues: [[DialogueMessage]]
  ) -> Bool {
    dialogues.allSatisfy {
      prompt.isList
        ? $0.map(\.turn).starts(with: prompt.messages.map(\.turn)) : $0.first?.role != .assistant
    }
  }

  /// A list of messages, or the only message of a role.
  private static func messages(
    of fields: JSONFields, _ name: FieldName, _ role: DialogueRole
  ) throws -> (messages: [DialogueMessage], isList: Bool) {
    if let text = try? fields.decode(String.self, forKey: name) {
      return ([DialogueMessage(role, text)], false)
    }
    return (try MessageList.messages(of: fields, name, alternative: "a string"), true)
  }
}

extension DialogueMessage {
  /// What a reader sees of it.
  struct Turn: Equatable {
    var role: DialogueRole
    var content: String.UTF8View

    static func == (left: Self, right: Self) -> Bool {
      left.role == right.role && left.content.elementsEqual(right.content)
    }
  }

  /// Two strings of other bytes may be equal to Swift.
  var turn: Turn { Turn(role: role, content: content.utf8) }
}
