extension WordSplitter {
  func splitAtWhitespace(_ text: UnsafeBufferPointer<UInt8>, into lengths: inout [UInt32]) {
    // English has a word every 5 to 6 bytes; the array then grows at most once or twice.
    lengths.reserveCapacity(text.count / 5)
    Whitespace.classes.withUnsafeBufferPointer { classes in
      var (start, position) = (0, 0)
      while position < text.count {
        position = Whitespace.endOfWord(in: text, from: position, classes)
        position = Whitespace.endOfWhitespace(in: text, from: position, classes)
        emit(start..<position, of: text, into: &lengths)
        start = position
      }
    }
  }
}

/// The Unicode property `White_Space` on UTF-8 bytes: U+0009…U+000D, 0020, 0085, 00A0, 1680, 2000…200A, 2028,
/// 2029, 202F, 205F, 3000. Unchanged since Unicode 6.3, and small enough to be written out.
enum Whitespace {
  enum Class {
    static let other: UInt8 = 0
    static let space: UInt8 = 1
    /// The first byte of a scalar that may be white space: C2, E1, E2, E3.
    static let lead: UInt8 = 2
  }

  static let classes: [UInt8] = (0...255).map { byte in
    switch byte {
    case 0x09...0x0D, 0x20: Class.space
    case 0xC2, 0xE1...0xE3: Class.lead
    default: Class.other
    }
  }

  /// The first white space at or after `position`.
  @inline(__always)
  static func endOfWord(
    in text: UnsafeBufferPointer<UInt8>, from position: Int, _ classes: UnsafeBufferPointer<UInt8>
  ) -> Int {
    var position = position
    while position < text.count {
      let found = classes[Int(text[position])]
      if found == Class.other {
        position += 1
      } else if found == Class.space || length(at: position, in: text) > 0 {
        break
      } else {
        position += 1
      }
    }
    return position
  }

  /// The first scalar at or after `position` that is not white space.
  @inline(__always)
  static func endOfWhitespace(
    in text: UnsafeBufferPointer<UInt8>, from position: Int, _ classes: UnsafeBufferPointer<UInt8>
  ) -> Int {
    var position = position
    while position < text.count {
      let found = classes[Int(text[position])]
      if found == Class.space {
        position += 1
      } else if found == Class.other {
        break
      } else {
        let length = length(at: position, in: text)
        if length == 0 { break }
        position += length
      }
    }
    return position
  }

  /// The bytes of the white-space scalar that starts at a byte of class `lead`; 0 where it is none.
  @inline(never)
  private static func length(at position: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    let left = text.count - position
    guard left >= 2 else { return 0 }
    let second = text[position + 1]
    if text[position] == 0xC2 { return second == 0x85 || second == 0xA0 ? 2 : 0 }
    guard left >= 3 else { return 0 }
    let third = text[position + 2]
    switch (text[position], second, third) {
    case (0xE1, 0x9A, 0x80), (0xE2, 0x80, 0x80...0x8A), (0xE2, 0x80, 0xA8), (0xE2, 0x80, 0xA9),
      (0xE2, 0x80, 0xAF), (0xE2, 0x81, 0x9F), (0xE3, 0x80, 0x80):
      return 3
    default: return 0
    }
  }
}
