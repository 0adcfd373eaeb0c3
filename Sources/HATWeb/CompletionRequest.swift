import HATServing

/// The body of `/v1/completions`.
struct CompletionRequest: Decodable {
  let writing: WritingParameters
  let prompts: Prompts
  let maximumTokens: Int?
  /// How many alternatives are wanted at each token; nil if no probabilities are.
  let alternatives: Int?
  let echoes: Bool

  /// What is continued: texts, or their tokens.
  enum Prompts: Decodable {
    case texts([String])
    case tokens([[Int]])

    static let form = "a string, a list of strings, a list of tokens, or a list of lists of tokens"

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let text = try? container.decode(String.self) {
        self = .texts([text])
      } else if let tokens = try? container.decode([Int].self) {
        self = .tokens(tokens.isEmpty ? [] : [tokens])
      } else if let lists = try? container.decode([[Int]].self) {
        self = .tokens(lists)
      } else {
        self = .texts(try container.decode([String].self))
      }
    }
  }

  /// As OpenAI's.
  static let usualTokens = 16
  private static let mostAlternatives = 20

  init(from decoder: any Decoder) throws {
    var parameters = try Parameters(decoder)
    writing = try WritingParameters(&parameters)
    prompts = try parameters.value("prompt", Prompts.form) ?? .texts([""])
    maximumTokens = try parameters.integer("max_tokens", in: 0...Int.max)
    alternatives = try parameters.integer("logprobs", in: 0...Self.mostAlternatives)
    echoes = try parameters.flag("echo")
    if echoes, alternatives != nil, writing.choices > 1 {
      throw parameters.wrong(
        "n",
        "is \(writing.choices): with `echo` and `logprobs` it must be 1, since every choice would have the same scores"
      )
    }
    try parameters.refuse("best_of", except: writing.choices)
    try parameters.refuse("suffix", except: "")
    try parameters.finish()
  }

  func plan(_ tokens: TextTokens, _ limits: ServerLimits, capacity: Int) throws -> WritingPlan {
    let prompts = try prompts.plan(tokens, limits)
    if echoes, prompts.contains(where: { $0.tokens.contains(where: tokens.isDialogueMark) }) {
      throw APIError.unsupported("echo", "a prompt with marks of dialogues is not given back. Leave it out.")
    }
    return try WritingPlan(
      writing, prompts,
      tokens: limits.tokens(maximumTokens, usual: Self.usualTokens, "max_tokens"),
      capacity: capacity
    ) { request in
      request.alternatives = alternatives
      request.scoresPrompt = echoes && alternatives != nil
    }
  }
}

extension CompletionRequest.Prompts {
  /// - Throws: `APIError` for prompts that are too long, and tokens that are none.
  func plan(_ tokens: TextTokens, _ limits: ServerLimits) throws -> [WritingPlan.Prompt] {
    let prompts: [WritingPlan.Prompt]
    switch self {
    case .texts(let texts):
      prompts = try texts.map { text in
        try limits.checkPrompt(text.utf8.count, "prompt")
        return .init(tokens: tokens.encode(text.utf8))
      }
    case .tokens(let lists):
      prompts = try lists.map { list in
        try limits.checkPrompt(list.count, "prompt")
        let hasMark = list.first == tokens.documentMark
        var prompt = WritingPlan.Prompt(tokens: hasMark ? Array(list.dropFirst()) : list, hasMark: hasMark)
        if let fault = tokens.fault(of: prompt.tokens) {
          throw APIError.invalid("prompt", "`prompt`: \(fault).")
        }
        try limits.checkPrompt(tokens.bytes(of: prompt.tokens).count, "prompt")
        prompt.spelled = tokens.spelledText(prompt.tokens).map { ($0, tokens.encode($0)) }
        return prompt
      }
    }
    guard !prompts.isEmpty else { throw APIError.invalid("prompt", "`prompt` is an empty list.") }
    return prompts
  }
}
