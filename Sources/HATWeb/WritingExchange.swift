import HATServing
import HTTPTypes
import HummingbirdCore
import NIOCore

/// A request for text on its way, and how its answer is sent.
struct WritingExchange {
  /// Parts of streams are sent at multiples of it, in nanoseconds: those of all streams together, since each time costs time that the model
  /// can write in.
  private static let pause: UInt64 = 25_000_000

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
    let loop = replyWriter.channel.eventLoop
    try await withTaskExecutorPreference(EventLoopExecutor(loop)) {
      try await sendEvents(first, &composer, replyWriter, &body, loop)
    }
    try await replyWriter.finish(body)
  }

  private func sendEvents(
    _ first: [TextUpdate], _ composer: inout any AnswerComposer, _ replyWriter: ReplyWriter,
    _ body: inout any ResponseBodyWriter, _ loop: any EventLoop
  ) async throws {
    var events = try composer.opening.flatMap { try WebJSON.event($0) }
    var news: [TextUpdate]? = first
    do {
      while let updates = news {
        for update in updates { events += try composer.event(update) }
        try await replyWriter.send(events, to: &body)
        events = []
        news = try await nextNews(loop)
      }
      if streamsUsage { events += try WebJSON.event(composer.closing) }
      events += WebJSON.lastEvent
    } catch {
      // The status has been sent: what is left is to say it in the stream.
      events += try WebJSON.event(APIError(error))
    }
    try await replyWriter.send(events, to: &body)
  }

  /// What has come at the next time to send, or at the end.
  private func nextNews(_ loop: any EventLoop) async throws -> [TextUpdate]? {
    let next = (NIODeadline.now().uptimeNanoseconds / Self.pause + 1) * Self.pause
    let timer = loop.scheduleTask(deadline: .uptimeNanoseconds(next)) { [answer] in answer.hurry() }
    defer { timer.cancel() }
    return try await answer.next(waitingForEnd: true)
  }
}
