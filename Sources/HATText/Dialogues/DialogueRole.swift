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

/// A turn of a dialogue.
public struct DialogueMessage: Sendable, Equatable {
  public var role: DialogueRole
  public var content: String
  /// Whether it is learnt. Only answers are.
  public var counts: Bool

  /// - Parameter counts: nil for what is usual: answers count.
  public init(_ role: DialogueRole, _ content: String, counts: Bool? = nil) {
    precondition(counts != true || role == .assistant, "only answers are learnt")
    (self.role, self.content) = (role, content)
    self.counts = counts ?? (role == .assistant)
  }
}

/// A document with marks in it, cut into words, as shards keep it.
public struct MarkedText: Sendable, Equatable {
  /// UTF-8 and marks.
  public private(set) var bytes: [UInt8] = []
  /// In bytes; a mark is a word of its own.
  public private(set) var wordLengths: [UInt32] = []
  /// The words that are part of the loss, in ascending ranges that do not touch.
  public private(set) var counted: [Range<Int>] = []

  public init() {}

  /// Appends a turn: the mark of its role, its words, and the end of the turn.
  /// - Parameter counts: whether an answer's words and the end of its turn are part of the loss.
  public mutating func append(_ message: DialogueMessage, counts: Bool = true, splitter: WordSplitter) {
    appendMark(message.role.mark)
    let first = wordLengths.count
    let content = Array(message.content.utf8)
    wordLengths += splitter.split(content)
    bytes += content
    appendMark(SpecialByte.turnEnd)
    if counts && message.counts { counted.append(first..<wordLengths.count) }
  }

  mutating func appendMark(_ mark: UInt8) {
    bytes.append(mark)
    wordLengths.append(1)
  }
}
