import HTTPTypes
import HummingbirdCore
import NIOCore

/// Reads the bodies of requests, which are neither too large nor too slow.
struct BodyReader {
  let limits: ServerLimits

  /// - Throws: `APIError` where it is too large, or of another type than JSON; the connection is closed where it does not arrive in time.
  func read(_ request: Request, _ channel: any Channel) async throws -> [UInt8] {
    let type = request.headers[.contentType]?.split(separator: ";").first
    // This also keeps out the pages of other sites: a browser sends their JSON only if this server allows it, which it does not.
    guard type?.lowercased() == "application/json" else {
      throw APIError(
        .unsupportedMediaType, "The body must be JSON: send the header `Content-Type: application/json`.",
        type: "invalid_request_error")
    }
    let length = request.headers[.contentLength].flatMap { Int($0) } ?? 0
    guard length <= limits.bodyBytes else { throw APIError.tooLarge(limits.bodyBytes) }
    let watchdog = channel.eventLoop.scheduleTask(in: .seconds(Int64(limits.timeout))) {
      channel.close(promise: nil)
    }
    defer { watchdog.cancel() }
    do {
      var body: [UInt8] = []
      body.reserveCapacity(length)
      for try await part in request.body {
        guard body.count + part.readableBytes <= limits.bodyBytes else {
          throw APIError.tooLarge(limits.bodyBytes)
        }
        body += part.readableBytesView
      }
      return body
    } catch let error as APIError {
      throw error
    } catch {
      throw APIError.invalid(nil, "The body does not arrive as HTTP says it must.")
    }
  }
}
