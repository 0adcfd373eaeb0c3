import HATKernels
import HATStorage
import HATText

/// A document that a model writes: how much may still come, so that the text stays valid UTF-8, and what is written of it.
package struct WrittenDocument {
  private var prefix = UTF8Prefix()
  private var rules = SymbolRules()
  /// Drawn bytes of a scalar that is not whole.
  private var unwritten: [UInt8] = []

  /// - Parameters:
  ///   - bytes: of text, at most; a scalar that would exceed them is not begun.
  ///   - tokens: symbols with text, at most; the same holds.
  ///   - mayEnd: whether the model may end it.
  ///   - prompt: symbols or tokens that it begins with. If marks of dialogues are among them, it is a turn, whose end ends it.
  package init(bytes: Int = .max, tokens: Int = .max, mayEnd: Bool = true, behind prompt: [Int] = []) {
    (rules.bytes, rules.tokens, rules.allowsEnd) = (bytes, tokens, mayEnd)
    rules.allowsTurnEnd = mayEnd && prompt.contains(where: SpecialByte.isDialogueMark(symbol:))
  }

  /// Whether it is as long as it may be.
  package var isComplete: Bool { (rules.bytes <= 0 || rules.tokens <= 0) && prefix.isAtBoundary }

  /// The next symbol, among those that model, limits and UTF-8 allow.
  /// - Parameter document: its number among those of the predictor.
  /// - Throws: `UserError` of kind `invalidData` where predictions are not finite.
  package func drawn(
    by sampler: inout Sampler, _ document: Int, _ predictor: any SymbolPredictor, _ texts: SymbolTexts
  ) throws -> Int {
    let logits = predictor.logits(of: document)
    guard Vector.allFinite(logits.baseAddress!, count: logits.count) else {
      throw UserError.notFinite("predictions")
    }
    var rules = predictor.rules(for: document)
    rules.bytes = min(rules.bytes, self.rules.bytes)
    rules.tokens = min(rules.tokens, self.rules.tokens)
    rules.allowsEnd = rules.allowsEnd && self.rules.allowsEnd
    rules.allowsTurnEnd = rules.allowsTurnEnd && self.rules.allowsTurnEnd
    let allowed = AllowedSymbols(texts: texts, prefix: prefix, rules: rules, endSymbol: predictor.endSymbol)
    return sampler.next(logits, allows: allowed.contains)
  }

  /// Takes the bytes of a symbol.
  /// - Returns: the scalars that they make whole.
  package mutating func take(_ bytes: [UInt8]) -> [UInt8] {
    guard !bytes.isEmpty else { return [] }
    if rules.bytes < .max { rules.bytes -= bytes.count }
    if rules.tokens < .max { rules.tokens -= 1 }
    unwritten += bytes
    var whole = 0
    for (index, byte) in bytes.enumerated() {
      prefix.append(byte)
      if prefix.isAtBoundary { whole = unwritten.count - (bytes.count - 1 - index) }
    }
    defer { unwritten.removeFirst(whole) }
    return Array(unwritten.prefix(whole))
  }
}
