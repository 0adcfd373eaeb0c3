import HATServing
import HATStorage
import HTTPTypes

/// What is wrong with a request, in the shape in which OpenAI's clients expect it.
struct APIError: Error, Encodable {
  struct Content: Encodable {
    var message: String
    var type: String
    /// The parameter that is wrong.
    var param: String?
    var code: String?

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(message, forKey: .message)
      try container.encode(type, forKey: .type)
      try container.encode(param, forKey: .param)
      try container.encode(code, forKey: .code)
    }

    private enum CodingKeys: CodingKey {
      case message, type, param, code
    }
  }

  let status: HTTPResponse.Status
  var fields = HTTPFields()
  let error: Content

  private enum CodingKeys: CodingKey { case error }

  init(
    _ status: HTTPResponse.Status, _ message: String, type: String, param: String? = nil, code: String? = nil
  ) {
    self.status = status
    error = Content(message: message, type: type, param: param, code: code)
  }

  static func invalid(_ param: String?, _ message: String, code: String? = nil) -> APIError {
    APIError(.badRequest, message, type: "invalid_request_error", param: param, code: code)
  }

  static func unsupported(_ param: String, _ message: String) -> APIError {
    invalid(param, "`\(param)`: \(message)", code: "unsupported_parameter")
  }

  static func notFound(_ message: String, code: String? = nil, param: String? = nil) -> APIError {
    APIError(.notFound, message, type: "invalid_request_error", param: param, code: code)
  }

  static func wrongMethod(allowed: [HTTPRequest.Method]) -> APIError {
    var error = APIError(
      .methodNotAllowed, "This address takes \(allowed.map(\.rawValue).joined(separator: ", ")).",
      type: "invalid_request_error")
    error.fields[.allow] = allowed.map(\.rawValue).joined(separator: ", ")
    return error
  }

  static let unauthorized: APIError = {
    var error = APIError(
      .unauthorized, "This server wants its key: send the header `Authorization: Bearer KEY`.",
      type: "authentication_error", code: "invalid_api_key")
    error.fields[.wwwAuthenticate] = "Bearer"
    return error
  }()

  static func tooLarge(_ limit: Int) -> APIError {
    APIError(
      .contentTooLarge, "The body has more than \(limit) bytes.", type: "invalid_request_error",
      code: "body_too_large")
  }

  /// Any error, as a client is told of it.
  init(_ error: any Error) {
    switch error {
    case let error as APIError: self = error
    case Refusal.full:
      self = APIError(
        .tooManyRequests, "As many texts are being written, or wait, as this server takes. Try again later.",
        type: "rate_limit_error", code: "server_full")
      fields[.retryAfter] = "1"
    case Refusal.stopping, is CancellationError:
      self = APIError(.serviceUnavailable, "The server is stopping.", type: "server_error", code: "stopping")
      fields[.retryAfter] = "10"
    // Of the model, such as weights that are not finite: what the client sends has been checked before.
    case let error as UserError:
      self = APIError(.internalServerError, "\(error)", type: "server_error")
    default:
      self = APIError(.internalServerError, "Something went wrong in the server.", type: "server_error")
    }
  }
}
