import HATText

/// The texts of a predictor's symbols, and which of them keep a text valid UTF-8.
package struct SymbolTexts {
  private let texts: [[UInt8]]
  private let lengths: [Int]
  /// By symbol: the bytes that its last scalar still needs, after a whole scalar; nil where it cannot follow one.
  private let missingAtBoundary: [Int8?]

  package init(_ predictor: some SymbolPredictor) {
    texts = (0..<predictor.symbolCount).map(predictor.text)
    lengths = texts.map(\.count)
    missingAtBoundary = texts.map { UTF8Prefix().appending($0).map { Int8($0.missing) } }
  }

  package subscript(symbol: Int) -> [UInt8] { texts[symbol] }

  func length(of symbol: Int) -> Int { lengths[symbol] }

  /// Bytes that the text's last scalar would still need after a symbol; nil where it would not be UTF-8. Marks stand
  /// between scalars.
  func missing(behind prefix: UTF8Prefix, _ symbol: Int) -> Int? {
    if prefix.isAtBoundary { return missingAtBoundary[symbol].map(Int.init) }
    return texts[symbol].isEmpty ? nil : prefix.appending(texts[symbol])?.missing
  }
}

/// The symbols that may come next in a document.
struct AllowedSymbols {
  let texts: SymbolTexts
  let prefix: UTF8Prefix
  let rules: SymbolRules
  let endSymbol: Int

  func contains(_ symbol: Int) -> Bool {
    guard let missing = texts.missing(behind: prefix, symbol) else { return false }
    let length = texts.length(of: symbol)
    // Every missing byte can be a token of its own.
    if length > 0 { return length + missing <= rules.bytes && 1 + missing <= rules.tokens }
    switch symbol {
    case endSymbol: return rules.allowsEnd
    case SymbolRules.turnEnd: return rules.allowsTurnEnd
    // Nobody but a template begins a turn.
    default: return rules.allowsMark && !SpecialByte.isDialogueMark(symbol: symbol)
    }
  }
}

/// The state of a scalar being written: what may follow so that the text stays valid UTF-8.
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

  /// Bytes of a scalar, by its first byte; nil for a byte that starts none.
  package static func length(ofScalarStartingWith byte: UInt8) -> Int? {
    switch byte {
    case 0x00...0x7F: 1
    case 0xC2...0xDF: 2
    case 0xE0...0xEF: 3
    case 0xF0...0xF4: 4
    default: nil
    }
  }

  /// The prefix after more bytes; nil where they are not UTF-8.
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
