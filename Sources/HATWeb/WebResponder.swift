import Foundation
import HATServing
import HTTPTypes
import HummingbirdCore
import NIOCore

/// Answers requests.
struct WebResponder: Sendable {
  /// Seconds in which a client may still send a body that nobody reads.
  private static let drainTime = Int64(5)

  let service: BatchService
  let tokens: TextTokens
  let model: ServedModel
  let limits: ServerLimits
  let key: AccessKey?
  let connections: Connections
  let metrics = WebMetrics()

  private struct Exchange {
    let request: Request
    let channel: any Channel
    let endpoint: Endpoint?
    let start = ContinuousClock.now
    /// Whether all of the body has been read, or there is none.
    var isRead: Bool

    init(_ request: Request, _ channel: any Channel) {
      (self.request, self.channel) = (request, channel)
      let path = request.uri.path
      endpoint = Endpoint(
        rawValue: path.hasPrefix(Endpoint.models.rawValue + "/") ? Endpoint.models.rawValue : path)
      isRead = request.method == .get || request.method == .head
    }
  }

  private enum Outcome {
    case reply(Reply)
    case writing(WritingExchange)
  }

  func respond(_ request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel) async throws {
    var exchange = Exchange(request, channel)
    let admission = Result { try admit(exchange) }
    let replyWriter = ReplyWriter(channel: channel, timeout: limits.timeout)
    if case .success = admission, request.headers[.expect]?.lowercased() == "100-continue" {
      try await replyWriter.askForBody(writer)
    }
    let outcome = await outcome(of: admission, &exchange)
    switch outcome {
    case .reply(let reply):
      count(exchange, reply.status)
      let closes = !exchange.isRead
      if closes {
        // What the client still sends is read and dropped, so that it comes to read the answer; but not for ever.
        channel.eventLoop.scheduleTask(in: .seconds(Self.drainTime)) { channel.close(promise: nil) }
      }
      try await replyWriter.send(reply, hasBody: request.method != .head, closes: closes, to: writer)
    case .writing(let writing):
      connections.set(writing.answer, of: channel)
      defer {
        connections.set(nil, of: channel)
        writing.answer.close()
      }
      do {
        count(exchange, try await writing.send(by: replyWriter, to: writer))
      } catch {
        // The client has hung up: nginx's number for it.
        count(exchange, HTTPResponse.Status(code: 499))
        throw error
      }
    }
  }

  private func count(_ exchange: Exchange, _ status: HTTPResponse.Status) {
    metrics.count(
      exchange.endpoint?.rawValue ?? "other", status: status.code,
      seconds: (ContinuousClock.now - exchange.start) / .seconds(1))
  }

  /// - Throws: `APIError` for what is not there, or not for this client.
  private func admit(_ exchange: Exchange) throws -> Endpoint {
    guard let endpoint = exchange.endpoint else {
      throw APIError.notFound("There is no \(exchange.request.uri.path) here: see /openapi.json.")
    }
    guard endpoint.methods.contains(exchange.request.method) else {
      throw APIError.wrongMethod(allowed: endpoint.methods)
    }
    if let key, !endpoint.isOpen, !key.opens(exchange.request.headers[.authorization]) {
      throw APIError.unauthorized
    }
    return endpoint
  }

  private func outcome(of admission: Result<Endpoint, any Error>, _ exchange: inout Exchange) async -> Outcome
  {
    do {
      let endpoint = try admission.get()
      if exchange.isRead { return .reply(try reply(to: endpoint, exchange.request.uri.path)) }
      let body = try await BodyReader(limits: limits).read(exchange.request, exchange.channel)
      exchange.isRead = true
      return try outcome(of: endpoint, body)
    } catch {
      return .reply(Reply(APIError(error)))
    }
  }

  private func reply(to endpoint: Endpoint, _ path: String) throws -> Reply {
    switch endpoint {
    case .page:
      return Reply(type: "text/html; charset=utf-8", body: WebFiles.page, fields: WebFiles.pageFields)
    case .description: return Reply(body: WebFiles.description)
    case .health: return try health()
    case .metrics:
      return Reply(
        type: "text/plain; version=0.0.4; charset=utf-8", body: Array(metrics.text(service, connections).utf8)
      )
    case .models:
      let name = path.dropFirst(Endpoint.models.rawValue.count + 1)
      if name.isEmpty { return try .json(ServedModel.List(data: [model])) }
      try model.check(name.removingPercentEncoding ?? String(name))
      return try .json(model)
    case .tokenizer: return try .json(TokenizerRequests.Information(vocabularySize: tokens.numbers.count))
    default: throw APIError.wrongMethod(allowed: endpoint.methods)
    }
  }

  private func health() throws -> Reply {
    if service.isStopping { throw Refusal.stopping }
    return try .json(["status": "ok"])
  }

  private func outcome(of endpoint: Endpoint, _ body: [UInt8]) throws -> Outcome {
    switch endpoint {
    case .completions:
      let request = try Parameters.request(CompletionRequest.self, from: body)
      try model.check(request.writing.model)
      let plan = try request.plan(tokens, limits, capacity: service.capacity)
      return .writing(try exchange(plan, request.writing, CompletionComposer(request, plan, tokens)))
    case .chat:
      let request = try Parameters.request(ChatRequest.self, from: body)
      try model.check(request.writing.model)
      let plan = try request.plan(tokens, limits, capacity: service.capacity)
      return .writing(try exchange(plan, request.writing, ChatComposer(request, plan, tokens)))
    case .tokenize:
      let request = try Parameters.request(TokenizerRequests.Tokenize.self, from: body)
      if let name = request.model { try model.check(name) }
      return .reply(try .json(TokenizerRequests.tokens(request, tokens, limits)))
    case .detokenize:
      let request = try Parameters.request(TokenizerRequests.Detokenize.self, from: body)
      if let name = request.model { try model.check(name) }
      return .reply(try .json(TokenizerRequests.text(request, tokens, limits)))
    default: throw APIError.wrongMethod(allowed: endpoint.methods)
    }
  }

  private func exchange(
    _ plan: WritingPlan, _ parameters: WritingParameters, _ composer: any AnswerComposer
  ) throws -> WritingExchange {
    WritingExchange(
      answer: try service.submit(plan.requests), composer: composer, streams: parameters.streams,
      streamsUsage: parameters.streamsUsage)
  }
}
