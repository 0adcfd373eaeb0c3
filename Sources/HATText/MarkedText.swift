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
}

/// A part of a text with marks of dialogues.
package enum MarkedTextPart: Equatable {
  /// At least one byte.
  case text(ArraySlice<UInt8>)
  case mark(UInt8)

  /// The parts of a text, in order. No UTF-8 has the byte of a mark, so that they are found without knowing the text.
  package static func parts(of text: [UInt8]) -> [MarkedTextPart] {
    var parts: [MarkedTextPart] = []
    var start = 0
    for (index, byte) in text.enumerated() where SpecialByte.isDialogueMark(byte) {
      if start < index { parts.append(.text(text[start..<index])) }
      parts.append(.mark(byte))
      start = index + 1
    }
    if start < text.count { parts.append(.text(text[start...])) }
    return parts
  }
}

extension SubwordEncoder {
  /// The tokens of a text with marks of dialogues. Text between marks is encoded by itself.
  package func encode(marked text: [UInt8]) -> [Int32] {
    MarkedTextPart.parts(of: text).flatMap { part in
      switch part {
      case .text(let bytes): encode(Array(bytes))
      case .mark(let byte): [Int32(byte)]
      }
    }
  }
}
