import HATServing

/// A server-sent event of which the text alone changes: what stands around it is encoded once.
struct TextEvent {
  /// No text of a model has it: it is no character.
  private static let placeholder = "\u{10FFFF}"

  private let before: ArraySlice<UInt8>
  private let after: ArraySlice<UInt8>

  /// - Parameter event: of a text. In its JSON, nothing that a client may choose comes before the text.
  init(_ event: (_ text: String) -> some Encodable) throws {
    let bytes = try WebJSON.event(event(Self.placeholder))
    guard let place = bytes.firstRange(of: Self.placeholder.utf8) else {
      preconditionFailure("an event of text has the text")
    }
    (before, after) = (bytes[..<place.lowerBound], bytes[place.upperBound...])
  }

  /// - Parameter text: UTF-8.
  func bytes(text: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(before.count + text.count + after.count + 8)
    bytes += before
    for byte in text { Self.append(byte, to: &bytes) }
    bytes += after
    return bytes
  }

  /// As `JSONEncoder` escapes the bytes of a string.
  private static func append(_ byte: UInt8, to bytes: inout [UInt8]) {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
    case 0x20...: bytes.append(byte)
    case 0x08: bytes += Array("\\b".utf8)
    case 0x09: bytes += Array("\\t".utf8)
    case 0x0A: bytes += Array("\\n".utf8)
    case 0x0C: bytes += Array("\\f".utf8)
    case 0x0D: bytes += Array("\\r".utf8)
    default: bytes += Array((byte < 0x10 ? "\\u000" : "\\u00").utf8) + Array(String(byte, radix: 16).utf8)
    }
  }
}

/// Those of an answer, by choice.
struct TextEvents {
  private var events: [Int: TextEvent] = [:]

  /// - Parameter event: of a text of the update's choice.
  mutating func bytes(_ update: TextUpdate, _ event: (_ text: String) -> some Encodable) throws -> [UInt8] {
    if events[update.choice] == nil { events[update.choice] = try TextEvent(event) }
    return events[update.choice]!.bytes(text: update.text)
  }
}
