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
