/// The texts of a predictor's symbols, and which of them keep a text valid UTF-8.
struct SymbolTexts {
  private let texts: [[UInt8]]
  private let lengths: [Int]
  /// By symbol: bytes that its last scalar still needs where it stands behind a whole scalar; nil where it cannot.
  private let missingAtBoundary: [Int8?]

  init(_ predictor: some SymbolPredictor) {
    texts = (0..<predictor.symbolCount).map(predictor.text)
    lengths = texts.map(\.count)
    missingAtBoundary = texts.map { UTF8Prefix().appending($0).map { Int8($0.missing) } }
  }

  subscript(symbol: Int) -> [UInt8] { texts[symbol] }

  func length(of symbol: Int) -> Int { lengths[symbol] }

  /// Bytes that the text's last scalar would still need behind a symbol; nil where it would not be UTF-8. Marks stand
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
    if length > 0 { return length + missing <= rules.bytes }
    return symbol == endSymbol ? rules.allowsEnd : rules.allowsMark
  }
}
