import HATStorage
import HATText

/// How a conversation becomes the beginning of a document, in which the answer comes next (docs/serving.md).
public enum ChatTemplate: Sendable, Equatable, CaseIterable {
  /// Every turn on a line of its own, behind the name of who speaks: for models that have learned from no dialogues.
  case plain
  /// Every turn between marks, which no text has: as models that were tuned have read dialogues.
  case turns

  /// Its name and version.
  public var name: String {
    switch self {
    case .plain: "plain"
    case .turns: "turns-v1"
    }
  }

  /// What checkpoints and exports record; nil for the plain one, which needs no tuning.
  public var record: String? { self == .plain ? nil : name }

  /// - Parameters:
  ///   - record: what a checkpoint or an export says; nil if it says nothing.
  ///   - place: for the error.
  /// - Throws: `UserError` of kind `configuration` for one that this version does not know.
  public init(record: String?, at place: String) throws {
    guard let template = Self.allCases.first(where: { $0.record == record }) else {
      throw UserError(
        .configuration, at: place,
        "the template of its dialogues is \"\(record ?? "")\", and this version of hat knows "
          + Self.allCases.compactMap(\.record).joined(separator: ", ") + " only",
        hint: "Use the version of hat that wrote it.")
    }
    self = template
  }

  /// Strings that begin somebody else's turn: the answer ends before them. Where turns have marks, a mark ends them.
  public var stops: [String] {
    switch self {
    case .plain: ["\nUser:", "\nSystem:"]
    case .turns: []
    }
  }

  /// The conversation so far, and the beginning of the assistant's turn: UTF-8, with marks of dialogues where there are any.
  public func prompt(_ turns: [DialogueMessage]) -> [UInt8] {
    switch self {
    case .plain:
      Array(
        (turns.map { "\(Self.name($0.role)): \($0.content)\n" }.joined() + "\(Self.name(.assistant)): ").utf8)
    case .turns:
      turns.flatMap { [$0.role.mark] + Array($0.content.utf8) + [SpecialByte.turnEnd] } + [
        DialogueRole.assistant.mark
      ]
    }
  }

  private static func name(_ role: DialogueRole) -> String {
    switch role {
    case .system: "System"
    case .user: "User"
    case .assistant: "Assistant"
    }
  }
}
