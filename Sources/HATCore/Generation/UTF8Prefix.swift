import HATText

/// How far a scalar being written has come: what may follow so that the text stays valid UTF-8.
package struct UTF8Prefix {
  /// Continuation bytes the scalar still needs.
  package private(set) var missing = 0
  private var next: ClosedRange<UInt8> = 0x80...0xBF

  package init() {}

  package var isAtBoundary: Bool { missing == 0 }

  /// Whether `byte` may come next in text.
  package func allows(_ byte: UInt8) -> Bool {
    isAtBoundary ? Self.length(ofScalarStartingWith: byte) != nil : next.contains(byte)
  }

  /// Bytes of a scalar, by its first byte; nil where none starts so.
  package static func length(ofScalarStartingWith byte: UInt8) -> Int? {
    switch byte {
    case 0x00...0x7F: 1
    case 0xC2...0xDF: 2
    case 0xE0...0xEF: 3
    case 0xF0...0xF4: 4
    default: nil
    }
  }

  /// The prefix behind more bytes; nil where they make no text.
  package func appending(_ bytes: [UInt8]) -> UTF8Prefix? {
    var result = self
    for byte in bytes {
      guard result.allows(byte) else { return nil }
      result.append(byte)
    }
    return result
  }

  package mutating func append(_ byte: UInt8) {
    precondition(allows(byte))
    guard isAtBoundary else {
      missing -= 1
      next = 0x80...0xBF
      return
    }
    missing = Self.length(ofScalarStartingWith: byte)! - 1
    // Shortest forms only, no surrogates, nothing above U+10FFFF (Unicode, table 3-7).
    next =
      switch byte {
      case 0xE0: 0xA0...0xBF
      case 0xED: 0x80...0x9F
      case 0xF0: 0x90...0xBF
      case 0xF4: 0x80...0x8F
      default: 0x80...0xBF
      }
  }
}
