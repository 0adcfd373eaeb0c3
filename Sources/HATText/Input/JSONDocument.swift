import Foundation
import HATStorage

/// The field of a JSON object that holds a document's text: `text`, or `a.b` for one in an object inside.
struct JSONFieldPath: Sendable, Hashable {
  var components: [String]

  /// - Throws: `UserError` of kind `wrongUsage`.
  init(parsing text: String) throws {
    components = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard components.allSatisfy({ !$0.isEmpty }) else {
      throw UserError(
        .wrongUsage, at: "--field", "\"\(text)\" is not the name of a field",
        hint: "Write it like text, or like outer.inner for a field inside another.")
    }
  }

  var name: String { components.joined(separator: ".") }
}

/// The text and metadata of one line of a .jsonl file.
struct JSONDocument: Decodable {
  var text: String
  var metadata: [String: String]

  private static let fieldKey = CodingUserInfoKey(rawValue: "field")!

  /// What reads lines with the text in `field`.
  static func decoder(field: JSONFieldPath) -> JSONDecoder {
    let decoder = JSONDecoder()
    decoder.userInfo[fieldKey] = field
    return decoder
  }

  private struct Key: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    let components = (decoder.userInfo[Self.fieldKey] as! JSONFieldPath).components
    let object = try decoder.container(keyedBy: Key.self)
    var inner = object
    for component in components.dropLast() {
      inner = try inner.nestedContainer(keyedBy: Key.self, forKey: Key(stringValue: component))
    }
    text = try inner.decode(String.self, forKey: Key(stringValue: components.last!))
    metadata = [:]
    for field in DocumentMetadata.keptFields {
      let key = Key(stringValue: field)
      // Numbers and objects under these names are somebody else's: only strings are kept.
      if object.contains(key), let value = try? object.decode(String.self, forKey: key) {
        metadata[field] = value
      }
    }
  }
}
