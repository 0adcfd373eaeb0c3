/// How a conversation becomes the beginning of a document: every turn on a line of its own, behind the name of who speaks.
///
/// Checkpoints do not say how their model was taught to converse, so that all are asked alike.
public enum ChatTemplate {
  public enum Role: String, Sendable, Decodable {
    case system, developer, user, assistant

    fileprivate var name: String {
      switch self {
      case .system, .developer: "System"
      case .user: "User"
      case .assistant: "Assistant"
      }
    }
  }

  /// What the model writes behind its turn, and what does not belong to it.
  public static let stops = ["\nUser:", "\nSystem:"]

  /// The conversation so far, and the name of the assistant, whose turn it is.
  public static func prompt(_ turns: [(role: Role, content: String)]) -> String {
    turns.map { "\($0.role.name): \($0.content)\n" }.joined() + "\(Role.assistant.name): "
  }
}
