import HATServing
import HTTPTypes
import HummingbirdCore

/// A request for text on its way, and how its answer is sent.
struct WritingExchange {
  /// The shortest time between two parts of a stream: more would cost time that the model can write in.
  private static let pause = Duration.milliseconds(25)

  let answer: Answer
  var composer: any AnswerComposer
  let streams: Bool
  let streamsUsage: Bool

  /// - Returns: the status that was sent.
  func send(by replyWriter: ReplyWriter, to writer: consuming ResponseWriter) async throws
    -> HTTPResponse.Status
  {
    let first: [TextUpdate]
    do {
      first = try await answer.next(waitingForEnd: !streams) ?? []
    } catch {
      let reply = Reply(APIError(error))
      try await replyWriter.send(reply, hasBody: true, closes: false, to: writer)
      return reply.status
    }
    var composer = composer
    if streams {
      try await stream(first, &composer, replyWriter, writer)
    } else {
      let reply = Reply(body: try WebJSON.encode(composer.whole(first)))
      try await replyWriter.send(reply, hasBody: true, closes: false, to: writer)
    }
    return .ok
  }

  private func stream(
    _ first: [TextUpdate], _ composer: inout any AnswerComposer, _ replyWriter: ReplyWriter,
    _ writer: consuming ResponseWriter
  ) async throws {
    var body = try await replyWriter.beginEvents(writer)
    var events = try composer.opening.flatMap { try WebJSON.event($0) }
    var news: [TextUpdate]? = first
    do {
      while let updates = news {
        for update in updates {
          if let part = composer.part(update) { events += try WebJSON.event(part) }
        }
        try await replyWriter.send(events, to: &body)
        events = []
        try await Task.sleep(for: Self.pause)
        news = try await answer.next()
      }
      if streamsUsage { events += try WebJSON.event(composer.closing(composer.usage)) }
      events += WebJSON.lastEvent
    } catch {
      // The status has been sent: what is left is to say it in the stream.
      events += try WebJSON.event(APIError(error))
    }
    try await replyWriter.send(events, to: &body)
    try await replyWriter.finish(body)
  }
}
