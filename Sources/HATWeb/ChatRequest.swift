import HATCore
import HATServing
import HATText

/// The body of `/v1/chat/completions`.
struct ChatRequest: Decodable {
  let writing: WritingParameters
  let messages: [Message]
  /// Tokens to write, and the name of the parameter that says so.
  let maximumTokens: (count: Int?, parameter: String)
  /// How many alternatives are wanted at each token; nil if no probabilities are.
  let alternatives: Int?

  struct Message: Decodable {
    let role: DialogueRole
    let content: String

    /// Text in parts.
    private struct Part: Decodable {
      let text: String

      init(from decoder: any Decoder) throws {
        var parameters = try Parameters(decoder, in: "messages.content")
        let type: String = try parameters.required("type", "\"text\"")
        guard type == "text" else {
          throw parameters.wrong("type", "is \"\(type)\": this server reads text only")
        }
        text = try parameters.required("text", "a string")
        try parameters.finish()
      }
    }

    /// A string, or text in parts.
    private struct Content: Decodable {
      let text: String

      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
          self.text = text
        } else {
          text = try container.decode([Part].self).map(\.text).joined()
        }
      }
    }

    init(from decoder: any Decoder) throws {
      var parameters = try Parameters(decoder, in: "messages")
      role = try parameters.required("role", "\"system\", \"developer\", \"user\" or \"assistant\"")
      let content: Content = try parameters.required("content", "a string or a list of parts with text")
      self.content = content.text
      try parameters.refuse(["name", "tool_calls", "tool_call_id", "refusal", "audio", "function_call"])
      try parameters.finish()
    }
  }

  private static let usualTokens = 512
  private static let mostAlternatives = 20

  init(from decoder: any Decoder) throws {
    var parameters = try Parameters(decoder)
    writing = try WritingParameters(&parameters)
    messages = try parameters.required("messages", "a list of messages")
    guard !messages.isEmpty else { throw parameters.wrong("messages", "is empty") }
    let (tokens, older) = (
      try parameters.integer("max_completion_tokens", in: 1...Int.max),
      try parameters.integer("max_tokens", in: 1...Int.max)
    )
    if let tokens, let older, tokens != older {
      throw parameters.wrong("max_tokens", "differs from `max_completion_tokens`: give one of them")
    }
    maximumTokens = (tokens ?? older, tokens != nil ? "max_completion_tokens" : "max_tokens")
    let wantsProbabilities = try parameters.flag("logprobs")
    let alternatives = try parameters.integer("top_logprobs", in: 0...Self.mostAlternatives)
    if alternatives != nil, !wantsProbabilities {
      throw parameters.wrong("top_logprobs", "is for `logprobs`: true only")
    }
    self.alternatives = wantsProbabilities ? alternatives ?? 0 : nil
    try parameters.refuse([
      "audio", "function_call", "functions", "metadata", "modalities", "parallel_tool_calls", "prediction",
      "reasoning_effort",
      "response_format", "tool_choice", "tools", "verbosity", "web_search_options",
    ])
    try parameters.refuse("store", except: false)
    try parameters.finish(ignoring: ["safety_identifier", "prompt_cache_key"])
  }

  func plan(_ tokens: TextTokens, _ limits: ServerLimits, capacity: Int) throws -> WritingPlan {
    let template = tokens.template
    let prompt = template.prompt(messages.map { DialogueMessage($0.role, $0.content) })
    try limits.checkPrompt(prompt.count, "messages")
    return try WritingPlan(
      writing, [.init(tokens: tokens.encode(prompt))],
      tokens: limits.tokens(maximumTokens.count, usual: Self.usualTokens, maximumTokens.parameter),
      capacity: capacity
    ) { request in
      request.alternatives = alternatives
      request.stops += template.stops.map { Array($0.utf8) }
    }
  }
}
