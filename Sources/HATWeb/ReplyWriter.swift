import HTTPTypes
import HummingbirdCore
import NIOCore

/// What is sent whole.
struct Reply {
  let status: HTTPResponse.Status
  let type: String
  let body: [UInt8]
  let fields: HTTPFields

  static func json(_ value: some Encodable) throws -> Reply { Reply(body: try WebJSON.encode(value)) }

  init(
    status: HTTPResponse.Status = .ok, type: String = "application/json", body: [UInt8],
    fields: HTTPFields = HTTPFields()
  ) {
    (self.status, self.type, self.body, self.fields) = (status, type, body, fields)
  }

  init(_ error: APIError) {
    let body = try? WebJSON.encode(error)
    self.init(status: error.status, body: body ?? [], fields: error.fields)
  }
}

/// Sends replies, as fast as the client reads. A client that does not read for too long loses the connection.
struct ReplyWriter {
  /// Bytes that wait for a client, at most, beside what the system keeps.
  private static let part = 64 << 10

  let channel: any Channel
  /// Seconds.
  let timeout: Int

  /// - Parameters:
  ///   - hasBody: not in the answer to HEAD.
  ///   - closes: whether the connection ends with it.
  func send(_ reply: Reply, hasBody: Bool, closes: Bool, to writer: consuming ResponseWriter) async throws {
    var fields = reply.fields
    fields[.contentType] = reply.type
    fields[.contentLength] = String(reply.body.count)
    if closes { fields[.connection] = "close" }
    let head = HTTPResponse(status: reply.status, headerFields: fields)
    if !hasBody || reply.body.count <= Self.part {
      let body = hasBody ? ResponseBody(byteBuffer: ByteBuffer(bytes: reply.body)) : ResponseBody()
      let watchdog = closeLater()
      defer { watchdog.cancel() }
      return try await writer.write(response: head, body: body)
    }
    var body = try await begin(head, writer)
    for start in stride(from: 0, to: reply.body.count, by: Self.part) {
      try await send(reply.body[start..<min(start + Self.part, reply.body.count)], to: &body)
    }
    try await finish(body)
  }

  /// Tells a client that waits for it to send the body.
  func askForBody(_ writer: borrowing ResponseWriter) async throws {
    let watchdog = closeLater()
    defer { watchdog.cancel() }
    try await writer.writeInformationalHead(HTTPResponse(status: .continue))
  }

  /// Begins a stream of server-sent events.
  func beginEvents(_ writer: consuming ResponseWriter) async throws -> any ResponseBodyWriter {
    let fields: HTTPFields = [
      .contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-cache",
      // nginx would collect them.
      HTTPField.Name("X-Accel-Buffering")!: "no",
    ]
    return try await begin(HTTPResponse(status: .ok, headerFields: fields), writer)
  }

  private func begin(
    _ head: HTTPResponse, _ writer: consuming ResponseWriter
  ) async throws -> any ResponseBodyWriter {
    let watchdog = closeLater()
    defer { watchdog.cancel() }
    return try await writer.writeHead(head)
  }

  func send(_ bytes: some Sequence<UInt8>, to writer: inout any ResponseBodyWriter) async throws {
    let watchdog = closeLater()
    defer { watchdog.cancel() }
    try await writer.write(ByteBuffer(bytes: bytes))
  }

  func finish(_ writer: consuming any ResponseBodyWriter) async throws {
    let watchdog = closeLater()
    defer { watchdog.cancel() }
    try await writer.finish(nil)
  }

  /// Closes the connection in `timeout` seconds, unless what is being sent has left by then: every write waits for the client.
  private func closeLater() -> Scheduled<Void> {
    channel.eventLoop.scheduleTask(in: .seconds(Int64(timeout))) { [channel] in channel.close(promise: nil) }
  }
}
