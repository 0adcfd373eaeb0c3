import Foundation
import HATServing
import HATStorage

/// Makes the JSON of an answer out of what comes of a request.
protocol AnswerComposer: Sendable {
  /// Of what has been composed.
  var usage: Usage { get }

  /// All of it.
  /// - Parameter updates: one for each choice, with everything.
  mutating func whole(_ updates: [TextUpdate]) -> any Encodable

  /// What a stream begins with.
  var opening: [any Encodable] { get }
  /// What a stream tells of an update, as an event; nothing where there is nothing to tell yet.
  mutating func event(_ update: TextUpdate) throws -> [UInt8]
  /// What a stream ends with, if usage is asked for.
  var closing: any Encodable { get }
}

/// What an answer is called, and when it was made.
enum AnswerName {
  static func next(_ kind: String) -> String {
    kind + "-" + UUID().uuidString.replacing("-", with: "").lowercased()
  }

  /// Seconds since 1970.
  static var now: Int { Int(Date().timeIntervalSince1970) }
}

/// JSON as this server writes it.
enum WebJSON {
  static func encode(_ value: some Encodable) throws -> [UInt8] { try JSONFile.encoded(value) }

  /// As a server-sent event.
  static func event(_ value: some Encodable) throws -> [UInt8] {
    try Array("data: ".utf8) + encode(value) + Array("\n\n".utf8)
  }

  static let lastEvent = Array("data: [DONE]\n\n".utf8)
}
