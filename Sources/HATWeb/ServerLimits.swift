/// How much a server takes of its clients.
public struct ServerLimits: Sendable {
  /// Of a request's body.
  public var bodyBytes = 1 << 20
  /// Of the text of a prompt, and its tokens.
  public var promptBytes = 128 << 10
  /// To write for a text, at most.
  public var tokens = 4096
  public var connections = 1024
  /// Seconds until a connection is closed on which nothing arrives, nor leaves; and in which a body must have arrived.
  public var timeout = 60

  public init() {}

  /// - Parameters:
  ///   - wanted: by the request, if it says so.
  ///   - usual: if it does not.
  func tokens(_ wanted: Int?, usual: Int, _ parameter: String) throws -> Int {
    guard let wanted else { return min(usual, tokens) }
    guard wanted <= tokens else {
      throw APIError.invalid(
        parameter, "`\(parameter)` is \(wanted): this server writes at most \(tokens) tokens for a text.")
    }
    return wanted
  }

  /// - Parameter length: in bytes, or tokens, which have at least one.
  func checkPrompt(_ length: Int, _ parameter: String) throws {
    guard length <= promptBytes else {
      throw APIError.invalid(
        parameter, "`\(parameter)` has more than the \(promptBytes) bytes that this server reads of a text.",
        code: "prompt_too_long")
    }
  }
}
