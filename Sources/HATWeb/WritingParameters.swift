import HATCore
import HATServing

/// The parameters that `completions` and `chat/completions` share: how, how much and how often to write.
struct WritingParameters {
  let model: String
  let choices: Int
  let temperature: Double
  let topP: Double
  /// Nil for one that the server chooses.
  let seed: UInt64?
  let stops: [String]
  let streams: Bool
  let streamsUsage: Bool

  /// More than anybody needs, and few enough that looking for them costs little.
  private static let mostStops = 16
  private static let longestStop = 256
  private static let mostChoices = 128

  private struct StreamOptions: Decodable {
    var includesUsage: Bool

    init(from decoder: any Decoder) throws {
      var parameters = try Parameters(decoder, in: "stream_options")
      includesUsage = try parameters.flag("include_usage")
      try parameters.refuse("include_obfuscation", except: false)
      try parameters.finish()
    }
  }

  init(_ parameters: inout Parameters) throws {
    model = try parameters.required("model", "the name of the model")
    choices = try parameters.integer("n", in: 1...Self.mostChoices) ?? 1
    temperature = try parameters.number("temperature", in: 0...2) ?? 1
    topP = try parameters.number("top_p", in: 0...1) ?? 1
    if topP == 0 { throw parameters.wrong("top_p", "is 0: it must be above 0") }
    seed = try parameters.value("seed", "an integer from 0 to \(UInt64.max)")
    let strings: Strings? = try parameters.value("stop", "a string or a list of strings")
    stops = strings?.values ?? []
    guard stops.count <= Self.mostStops, stops.allSatisfy({ 1...Self.longestStop ~= $0.utf8.count }) else {
      throw parameters.wrong(
        "stop", "may have \(Self.mostStops) strings at most, each of 1 to \(Self.longestStop) bytes")
    }
    streams = try parameters.flag("stream")
    let options: StreamOptions? = try parameters.value("stream_options", "an object")
    if options != nil, !streams { throw parameters.wrong("stream_options", "is for `stream`: true only") }
    streamsUsage = options?.includesUsage ?? false
    try parameters.refuse("presence_penalty", except: 0.0)
    try parameters.refuse("frequency_penalty", except: 0.0)
    try parameters.refuse("logit_bias", except: [String: Double]())
    _ = try parameters.value("user", "a string") as String?
  }
}

/// What is to be written for a request, in the order of its choices.
struct WritingPlan {
  /// Of each prompt: the document mark in front of its tokens, if it was given.
  struct Prompt {
    /// As the client counts them.
    var tokens: [Int]
    var hasMark = false
    /// If the tokens are bytes, and not the model's own: these bytes, and the model's tokens for them.
    var spelled: (bytes: [UInt8], tokens: [Int])?
  }

  let requests: [TextRequest]
  /// Of each request.
  let prompts: [Prompt]
  let seed: UInt64

  /// - Parameters:
  ///   - tokens: to write for each choice.
  ///   - customize: what is special about the requests.
  init(
    _ parameters: WritingParameters, _ prompts: [Prompt], tokens: Int, capacity: Int,
    customize: (inout TextRequest) -> Void
  ) throws {
    // A number that JavaScript can hold: the answer gives it back.
    let seed = parameters.seed ?? UInt64(UInt32.random(in: 0...UInt32.max))
    self.seed = seed
    // Before anything is copied: there may be as many empty prompts as the body has bytes.
    let count = prompts.count * parameters.choices
    guard count <= capacity else {
      throw APIError.invalid(
        "n", "The request asks for \(count) texts: this server takes \(capacity) at most.")
    }
    self.prompts = prompts.flatMap { Array(repeating: $0, count: parameters.choices) }
    requests = try self.prompts.enumerated().map { index, prompt in
      var request = TextRequest(
        prompt: prompt.spelled?.tokens ?? prompt.tokens, tokens: tokens,
        sampler: try Sampler(
          temperature: parameters.temperature, topP: parameters.topP, seed: seed, document: index))
      request.promptBytes = prompt.spelled?.bytes
      request.stops = parameters.stops.map { Array($0.utf8) }
      customize(&request)
      return request
    }
  }
}
