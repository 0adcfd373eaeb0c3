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
