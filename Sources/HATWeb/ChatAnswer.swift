import HATCore
import HATServing

/// The answer of `/v1/chat/completions`.
struct ChatAnswer: Encodable {
  let id: String
  let object = "chat.completion"
  let created: Int
  let model: String
  /// What the same request needs for the same answer.
  let seed: UInt64
  var choices: [ChatChoice]
  var usage: Usage
}

/// A part of it that is streamed.
struct ChatPart: Encodable {
  let id: String
  let object = "chat.completion.chunk"
  let created: Int
  let model: String
  let seed: UInt64
  var choices: [ChatDelta]
  var usage: Usage?

  func with(_ choice: ChatDelta) -> ChatPart {
    var part = self
    part.choices = [choice]
    return part
  }
}

struct ChatChoice: Encodable {
  struct Message: Encodable {
    let role = "assistant"
    var content: String
  }

  var index: Int
  var message: Message
  var logprobs: ChatLogProbabilities?
  var finishReason: String

  private enum CodingKeys: CodingKey {
    case index, message, logprobs, finishReason
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(index, forKey: .index)
    try container.encode(message, forKey: .message)
    try container.encode(logprobs, forKey: .logprobs)
    try container.encode(finishReason, forKey: .finishReason)
  }
}

struct ChatDelta: Encodable {
  struct Delta: Encodable {
    var role: String?
    var content: String?
  }

  var index: Int
  var delta: Delta
  var logprobs: ChatLogProbabilities?
  var finishReason: String?

  private enum CodingKeys: CodingKey {
    case index, delta, logprobs, finishReason
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(index, forKey: .index)
    try container.encode(delta, forKey: .delta)
    try container.encode(logprobs, forKey: .logprobs)
    try container.encode(finishReason, forKey: .finishReason)
  }
}

struct ChatLogProbabilities: Encodable {
  struct Token: Encodable {
    struct Alternative: Encodable {
      let token: String
      let logprob: Double
      let bytes: [UInt8]
    }

    let token: String
    let logprob: Double
    let bytes: [UInt8]
    let topLogprobs: [Alternative]
    /// Not OpenAI's: the part of the figure that the end of the word before the token takes, where one ends.
    let wordEndLogprob: Double?
  }

  var content: [Token]

  init(_ scores: [TokenScore], _ names: TokenNames) {
    content = scores.map { score in
      Token(
        token: names[score.token], logprob: score.logProbability, bytes: names.tokens.bytes(of: score.token),
        topLogprobs: score.alternatives.map {
          .init(token: names[$0.token], logprob: $0.logProbability, bytes: names.tokens.bytes(of: $0.token))
        }, wordEndLogprob: score.wordEndLogProbability)
    }
  }
}

/// Makes the answer of `/v1/chat/completions` out of what comes of its choices.
struct ChatComposer: AnswerComposer {
  /// Without choices.
  private let blank: ChatPart
  private let count: Int
  private let names: TokenNames
  private let wantsProbabilities: Bool
  private var events = TextEvents()
  var usage: Usage

  init(_ request: ChatRequest, _ plan: WritingPlan, _ tokens: TextTokens) {
    blank = ChatPart(
      id: AnswerName.next("chatcmpl"), created: AnswerName.now, model: request.writing.model, seed: plan.seed,
      choices: [])
    count = plan.requests.count
    names = TokenNames(tokens: tokens)
    wantsProbabilities = request.alternatives != nil
    usage = Usage(plan)
  }

  mutating func whole(_ updates: [TextUpdate]) -> any Encodable {
    for update in updates { usage.add(update) }
    return ChatAnswer(
      id: blank.id, created: blank.created, model: blank.model, seed: blank.seed,
      choices: updates.map { update in
        ChatChoice(
          index: update.choice, message: .init(content: String(decoding: update.text, as: UTF8.self)),
          logprobs: probabilities(update), finishReason: (update.end ?? .limit).finishReason)
      }, usage: usage)
  }

  /// Who speaks.
  var opening: [any Encodable] {
    (0..<count).map { blank.with(ChatDelta(index: $0, delta: .init(role: "assistant", content: ""))) }
  }

  mutating func event(_ update: TextUpdate) throws -> [UInt8] {
    usage.add(update)
    if !wantsProbabilities, update.end == nil {
      return try events.bytes(update) { [blank] text in
        blank.with(ChatDelta(index: update.choice, delta: .init(content: text)))
      }
    }
    let text = String(decoding: update.text, as: UTF8.self)
    return try WebJSON.event(
      blank.with(
        ChatDelta(
          index: update.choice, delta: .init(content: text.isEmpty && update.end != nil ? nil : text),
          logprobs: probabilities(update), finishReason: update.end?.finishReason)))
  }

  var closing: any Encodable {
    var part = blank
    part.usage = usage
    return part
  }

  private func probabilities(_ update: TextUpdate) -> ChatLogProbabilities? {
    wantsProbabilities ? ChatLogProbabilities(update.scores, names) : nil
  }
}
