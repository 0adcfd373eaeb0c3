/// What the documents of a corpus are (docs/preprocessing.md, "Dialogues and preferences").
public enum DocumentKind: String, Sendable, Codable, CaseIterable {
  /// Running text, of which everything is learnt.
  case text
  /// Turns of a dialogue behind marks, of which the answers are learnt.
  case dialogues
  /// Two dialogues that begin alike, of which one is preferred, with `[S]` between them.
  case preferences

  /// Of shards and of the manifest. Text keeps the version that it always had.
  var formatVersion: UInt32 { self == .text ? 2 : 3 }

  static let formatVersions = Set(allCases.map(\.formatVersion)).sorted()

  /// What a header of version 3 says; nil for text, whose header says nothing.
  var code: UInt32? {
    switch self {
    case .text: nil
    case .dialogues: 1
    case .preferences: 2
    }
  }

  /// - Returns: nil for a code that no kind has.
  init?(code: UInt32) {
    guard let kind = Self.allCases.first(where: { $0.code == code }) else { return nil }
    self = kind
  }
}
