import HAT
import HATServing

/// How tokens are written in JSON, where strings are Unicode and bytes of characters are not.
struct TokenNames {
  /// The end of a word of a hierarchical model.
  static let wordEnd = "<word-end>"

  let tokens: TextTokens

  /// Its text; `bytes:\xc3` for one that is not whole characters, as OpenAI's `completions` wrote them.
  subscript(token: Int) -> String {
    if token == tokens.documentMark { return TextTokens.documentMarkName }
    if tokens.isDialogueMark(token) { return SpecialByte.name(ofDialogueMark: UInt8(token)) }
    if tokens.isMark(token) { return Self.wordEnd }
    let bytes = tokens.bytes(of: token)
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    return "bytes:" + bytes.map { "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
