/// Any name of a field.
struct FieldName: CodingKey, ExpressibleByStringLiteral {
  let stringValue: String
  var intValue: Int? { nil }

  init(_ name: String) { stringValue = name }
  init(stringLiteral name: String) { self.init(name) }
  init?(stringValue: String) { self.init(stringValue) }
  init?(intValue: Int) { return nil }
}

typealias JSONFields = KeyedDecodingContainer<FieldName>

extension JSONFields {
  /// Whether there is no field of a name, or null in it.
  func isNull(_ name: FieldName) throws -> Bool {
    try !contains(name) || decodeNil(forKey: name)
  }
}

/// Messages as OpenAI's interface has them: `{"role": …, "content": …}`, and a `weight` for those of the assistant.
enum MessageList {
  /// - Parameter alternative: what the field may be instead, for errors.
  /// - Throws: `DialogueFault`.
  static func messages(
    of fields: JSONFields, _ name: FieldName, alternative: String? = nil
  ) throws -> [DialogueMessage] {
    guard var list = try? fields.nestedUnkeyedContainer(forKey: name) else {
      throw DialogueFault(
        problem: "the field \"\(name.stringValue)\" is "
          + (alternative.map { "neither \($0) nor" } ?? "not") + " a list of messages",
        hint: "A message is {\"role\": \"user\", \"content\": \"…\"}.")
    }
    var messages: [DialogueMessage] = []
    while !list.isAtEnd {
      let place = "message \(list.currentIndex + 1) of \"\(name.stringValue)\""
      guard let fields = try? list.nestedContainer(keyedBy: FieldName.self) else {
        throw DialogueFault(
          problem: "\(place) is not an object", hint: "A message is {\"role\": \"user\", \"content\": \"…\"}."
        )
      }
      messages.append(try message(fields, place))
    }
    return messages
  }

  private static func message(_ fields: JSONFields, _ place: String) throws -> DialogueMessage {
    let role = try role(of: fields, place)
    for name: FieldName in ["tool_calls", "function_call"] where try !isEmpty(fields, name) {
      throw DialogueFault(
        problem: "\(place) calls tools (\"\(name.stringValue)\"), which dialogues cannot hold",
        hint: withoutTools)
    }
    let content = try content(of: fields, place)
    return DialogueMessage(role, content, counts: try counts(fields, role, place))
  }

  private static let withoutTools = "Leave such dialogues out, or write the calls as text."

  private static func role(of fields: JSONFields, _ place: String) throws -> DialogueRole {
    guard fields.contains("role") else {
      throw DialogueFault(
        problem: "\(place) has no \"role\"",
        hint: fields.contains("from")
          ? "It is in the form ShareGPT: rename \"from\" to \"role\" and \"value\" to \"content\", and the roles human to "
            + "user and gpt to assistant."
          : roles)
    }
    guard let name = try? fields.decode(String.self, forKey: "role") else {
      throw DialogueFault(problem: "the role of \(place) is not a string", hint: roles)
    }
    guard let role = DialogueRole(name: name) else {
      throw DialogueFault(
        problem: "\(place) has the unknown role \"\(name.prefix(40))\"",
        hint: ["tool", "function"].contains(name) ? "\(roles) \(withoutTools)" : roles)
    }
    return role
  }

  private static let roles = "The roles are system, developer, user and assistant."

  /// A string, or parts of text that are joined.
  private static func content(of fields: JSONFields, _ place: String) throws -> String {
    if let text = try? fields.decode(String.self, forKey: "content") { return text }
    guard fields.contains("content") else {
      throw DialogueFault(
        problem: "\(place) has no \"content\"", hint: "Write \"content\": \"\" where nothing is said.")
    }
    guard var parts = try? fields.nestedUnkeyedContainer(forKey: "content") else {
      throw DialogueFault(
        problem: "the content of \(place) is neither a string nor a list of parts",
        hint: "Write text, or [{\"type\": \"text\", \"text\": \"…\"}].")
    }
    var text = ""
    while !parts.isAtEnd {
      let part = try? parts.nestedContainer(keyedBy: FieldName.self)
      guard let part, let type = try? part.decode(String.self, forKey: "type"), type == "text",
        let content = try? part.decode(String.self, forKey: "text")
      else {
        throw DialogueFault(
          problem: "the content of \(place) has a part that is no text",
          hint:
            "Parts are {\"type\": \"text\", \"text\": \"…\"}; leave out dialogues with images, sound or files."
        )
      }
      text += content
    }
    return text
  }

  /// What the role and `weight` say.
  private static func counts(_ fields: JSONFields, _ role: DialogueRole, _ place: String) throws -> Bool {
    let isAnswer = role == .assistant
    if try fields.isNull("weight") { return isAnswer }
    guard let weight = try? fields.decode(Double.self, forKey: "weight"), weight == 0 || weight == 1 else {
      throw DialogueFault(
        problem: "the weight of \(place) is neither 0 nor 1",
        hint: "An answer of weight 0 is read and not learnt; 1 is usual and may be left out.")
    }
    guard isAnswer || weight == 0 else {
      throw DialogueFault(
        problem: "\(place) has weight 1 and the role \(role.rawValue)",
        hint: "Only answers, of the role assistant, are learnt: leave its weight out.")
    }
    return weight == 1
  }

  /// Whether a list or object has nothing in it, or is not there.
  private static func isEmpty(_ fields: JSONFields, _ name: FieldName) throws -> Bool {
    if try fields.isNull(name) { return true }
    if let list = try? fields.nestedUnkeyedContainer(forKey: name) { return list.isAtEnd }
    let object = try? fields.nestedContainer(keyedBy: FieldName.self, forKey: name)
    return object?.allKeys.isEmpty == true
  }
}
