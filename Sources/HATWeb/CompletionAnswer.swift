import HATCore
import HATServing

/// The answer of `/v1/completions`, or a part of it that is streamed.
struct CompletionAnswer: Encodable {
  let id: String
  let object = "text_completion"
  let created: Int
  let model: String
  /// What the same request needs for the same answer.
  let seed: UInt64
  var choices: [CompletionChoice]
  var usage: Usage?

  func with(_ choice: CompletionChoice) -> CompletionAnswer {
    var answer = self
    answer.choices = [choice]
    return answer
  }
}

struct Usage: Encodable {
  var promptTokens = 0
  var completionTokens = 0
  var totalTokens = 0
}

struct CompletionChoice: Encodable {
  var index: Int
  var text: String
  var logprobs: LogProbabilities?
  var finishReason: String?

  /// Of tokens, one behind the other.
  struct LogProbabilities: Encodable {
    var tokens: [String] = []
    /// None for the document mark that opens a prompt.
    var tokenLogprobs: [Double?] = []
    var topLogprobs: [[String: Double]?]?
    /// In characters (Unicode scalars) of the text.
    var textOffset: [Int] = []
    /// Not OpenAI's: the part of a token's figure that the end of the word before it takes, where one ends.
    var wordEndLogprobs: [Double?] = []
  }

  private enum CodingKeys: CodingKey {
    case index, text, logprobs, finishReason
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(index, forKey: .index)
    try container.encode(text, forKey: .text)
    try container.encode(logprobs, forKey: .logprobs)
    try container.encode(finishReason, forKey: .finishReason)
  }
}

extension TextEnd {
  var finishReason: String { self == .limit ? "length" : "stop" }
}

/// Makes the answer of `/v1/completions` out of what comes of its choices.
struct CompletionComposer: AnswerComposer {
  private struct Choice {
    var prompt: WritingPlan.Prompt
    /// Until those of the whole prompt are there.
    var promptScores: [TokenScore] = []
    var isEchoed: Bool
    /// Characters that began before the next token.
    var characters = 0
  }

  /// Without choices.
  private let blank: CompletionAnswer
  private let names: TokenNames
  private let alternatives: Int?
  private var choices: [Choice]
  private var events = TextEvents()
  var usage: Usage

  init(_ request: CompletionRequest, _ plan: WritingPlan, _ tokens: TextTokens) {
    blank = CompletionAnswer(
      id: AnswerName.next("cmpl"), created: AnswerName.now, model: request.writing.model, seed: plan.seed,
      choices: [])
    names = TokenNames(tokens: tokens)
    alternatives = request.alternatives
    choices = plan.prompts.map { Choice(prompt: $0, isEchoed: !request.echoes) }
    usage = Usage(plan)
  }

  mutating func whole(_ updates: [TextUpdate]) -> any Encodable {
    var answer = blank
    answer.choices = updates.compactMap { choice($0) }
    answer.usage = usage
    return answer
  }

  var opening: [any Encodable] { [] }

  mutating func event(_ update: TextUpdate) throws -> [UInt8] {
    if alternatives == nil, choices[update.choice].isEchoed, update.end == nil {
      usage.add(update)
      return try events.bytes(update) { [blank] text in
        blank.with(CompletionChoice(index: update.choice, text: text))
      }
    }
    return try choice(update).map { try WebJSON.event(blank.with($0)) } ?? []
  }

  var closing: any Encodable {
    var answer = blank
    answer.usage = usage
    return answer
  }

  /// - Returns: nil while only a part of the prompt is scored.
  private mutating func choice(_ update: TextUpdate) -> CompletionChoice? {
    usage.add(update)
    var state = choices[update.choice]
    defer { choices[update.choice] = state }
    state.promptScores += update.promptScores
    var (bytes, scores) = (update.text, update.scores)
    var choice = CompletionChoice(index: update.choice, text: "", finishReason: update.end?.finishReason)
    if alternatives != nil { choice.logprobs = .init(topLogprobs: alternatives == 0 ? nil : []) }
    if !state.isEchoed {
      guard alternatives == nil || state.promptScores.count == state.prompt.tokens.count else { return nil }
      state.isEchoed = true
      if state.prompt.hasMark { choice.logprobs?.addMark() }
      bytes = names.tokens.bytes(of: state.prompt.tokens) + bytes
      scores = state.promptScores + scores
      state.promptScores = []
    }
    choice.text = String(decoding: bytes, as: UTF8.self)
    for score in scores { choice.logprobs?.add(score, names, &state.characters) }
    return choice
  }
}

extension CompletionChoice.LogProbabilities {
  fileprivate mutating func addMark() {
    tokens.append(TextTokens.documentMarkName)
    tokenLogprobs.append(nil)
    topLogprobs?.append(nil)
    textOffset.append(0)
    wordEndLogprobs.append(nil)
  }

  fileprivate mutating func add(_ score: TokenScore, _ names: TokenNames, _ characters: inout Int) {
    tokens.append(names[score.token])
    tokenLogprobs.append(score.logProbability)
    topLogprobs?.append(
      Dictionary(score.alternatives.map { (names[$0.token], $0.logProbability) }, uniquingKeysWith: max))
    wordEndLogprobs.append(score.wordEndLogProbability)
    let bytes = names.tokens.bytes(of: score.token)
    let isInside = bytes.first.map(UTF8.isContinuation) ?? false
    textOffset.append(max(0, isInside ? characters - 1 : characters))
    characters += bytes.count { !UTF8.isContinuation($0) }
  }
}

extension Usage {
  init(_ plan: WritingPlan) {
    promptTokens = plan.prompts.reduce(0) { $0 + $1.tokens.count + ($1.hasMark ? 1 : 0) }
    totalTokens = promptTokens
  }

  mutating func add(_ update: TextUpdate) {
    completionTokens += update.tokens
    totalTokens += update.tokens
  }
}
