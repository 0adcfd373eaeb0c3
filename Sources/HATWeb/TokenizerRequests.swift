import HATServing

/// What lm-evaluation-harness asks a remote tokenizer.
enum TokenizerRequests {
  struct Information: Encodable {
    let eosToken = TextTokens.documentMarkName
    let bosToken = TextTokens.documentMarkName
    let vocabularySize: Int
  }

  /// The body of `/tokenize`.
  struct Tokenize: Decodable {
    let prompt: String
    let model: String?
    /// Whether the tokens of the model's vocabulary are wanted, not the bytes of the text.
    let wantsVocabulary: Bool

    init(from decoder: any Decoder) throws {
      var parameters = try Parameters(decoder)
      prompt = try parameters.required("prompt", "a string")
      model = try parameters.value("model", "a string")
      // A text has no marks but the ones it opens and closes with.
      _ = try parameters.flag("add_special_tokens")
      wantsVocabulary = try parameters.flag("vocabulary")
      try parameters.refuse("return_token_strs", except: false)
      try parameters.finish()
    }
  }

  struct Tokens: Encodable {
    let tokens: [Int]
    let count: Int
  }

  /// The body of `/detokenize`.
  struct Detokenize: Decodable {
    let tokens: [Int]
    let model: String?

    init(from decoder: any Decoder) throws {
      var parameters = try Parameters(decoder)
      tokens = try parameters.required("tokens", "a list of tokens")
      model = try parameters.value("model", "a string")
      try parameters.finish()
    }
  }

  struct Text: Encodable {
    let prompt: String
  }

  /// The harness asks for strings that begin anywhere in a text: that is possible only where a text can be cut at every byte.
  /// The name of the document mark, by itself, is the mark.
  static func tokens(_ request: Tokenize, _ tokens: TextTokens, _ limits: ServerLimits) throws -> Tokens {
    try limits.checkPrompt(request.prompt.utf8.count, "prompt")
    let isMark = request.prompt == TextTokens.documentMarkName
    let text = request.prompt.utf8
    let list =
      isMark
      ? [tokens.documentMark] : request.wantsVocabulary ? tokens.encode(text) : tokens.bytesAsTokens(text)
    return Tokens(tokens: list, count: list.count)
  }

  /// Bytes that are not whole characters become U+FFFD.
  static func text(_ request: Detokenize, _ tokens: TextTokens, _ limits: ServerLimits) throws -> Text {
    try limits.checkPrompt(request.tokens.count, "tokens")
    guard request.tokens.allSatisfy(tokens.numbers.contains) else {
      throw APIError.invalid(
        "tokens",
        "`tokens` has a number that is no token: they are from 0 to \(tokens.numbers.upperBound - 1).")
    }
    let names = TokenNames(tokens: tokens)
    let parts = request.tokens.map { tokens.isMark($0) ? Array(names[$0].utf8) : tokens.bytes(of: $0) }
    return Text(prompt: String(decoding: parts.joined(), as: UTF8.self))
  }
}
