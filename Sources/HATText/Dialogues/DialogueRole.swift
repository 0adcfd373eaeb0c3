/// Who speaks in a turn of a dialogue.
public enum DialogueRole: String, Sendable, CaseIterable {
  /// Who says how to behave.
  case system
  /// Who asks.
  case user
  /// Who answers: what a model learns to be.
  case assistant

  /// - Parameter name: as in JSON; `developer` is what OpenAI calls `system` since 2024.
  init?(name: String) {
    guard let role = Self(rawValue: name == "developer" ? "system" : name) else { return nil }
    self = role
  }

  /// Opens a turn.
  public var mark: UInt8 {
    switch self {
    case .system: SpecialByte.system
    case .user: SpecialByte.user
    case .assistant: SpecialByte.assistant
    }
  }
}

extension DialogueRole: Decodable {
  public init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    guard let role = Self(name: try value.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: value, debugDescription: "it is no role")
    }
    self = role
  }
}
