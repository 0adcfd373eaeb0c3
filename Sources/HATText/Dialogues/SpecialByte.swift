/// The byte values UTF-8 never uses that carry the specials (docs/model.md §1).
///
/// All but `[W]` are marks: each is a word of its own, of this single byte.
public enum SpecialByte {
  /// `[W]`, the word mark: the encoder reads a word's embedding there, the decoder ends a word with it.
  public static let word: UInt8 = 0xFF
  /// `[S]`, the document mark: opens and closes every document.
  public static let document: UInt8 = 0xFE
  /// Opens the turn of a dialogue that says how to behave.
  public static let system: UInt8 = 0xF5
  /// Opens the turn of who asks.
  public static let user: UInt8 = 0xF6
  /// Opens the turn of who answers: what a model writes.
  public static let assistant: UInt8 = 0xF7
  /// Closes a turn.
  public static let turnEnd: UInt8 = 0xF8

  /// Whether a byte is a mark of documents or dialogues, which no text contains.
  public static func isMark(_ byte: UInt8) -> Bool {
    byte == document || isDialogueMark(byte)
  }
}

extension SpecialByte {
  /// Whether a byte is a mark within dialogues.
  public static func isDialogueMark(_ byte: UInt8) -> Bool { (system...turnEnd).contains(byte) }

  /// What files and tokens in messages call a mark within dialogues.
  public static func name(ofDialogueMark mark: UInt8) -> String {
    ["<system>", "<user>", "<assistant>", "<turn-end>"][Int(mark - system)]
  }

  /// Whether a symbol of a model, of whatever kind, is a mark within dialogues: to all it is the number of its byte.
  package static func isDialogueMark(symbol: Int) -> Bool {
    (Int(system)...Int(turnEnd)).contains(symbol)
  }

  /// What people are shown of a mark, such as `[user]`; nil for a byte that is none.
  public static func markName(_ byte: UInt8) -> String? {
    switch byte {
    case document: "[S]"
    case turnEnd: "[turn end]"
    default: DialogueRole.allCases.first { $0.mark == byte }.map { "[\($0.rawValue)]" }
    }
  }
}

extension Collection<UInt8> {
  /// Whether a word of a dialogue is a mark.
  public var isMark: Bool { count == 1 && SpecialByte.isMark(first!) }
}
