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
