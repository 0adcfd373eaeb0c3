import CSimdJSON
import Glibc
import HATStorage

/// Reads JSON objects: finds the text and the metadata, and checks all the rest.
final class JSONDocumentReader {
  enum Problem: Error {
    case invalidUTF8, notJSON, tooDeep, notAnObject, noField, notAString, repeatedField
  }

  /// Valid until the next document is read.
  struct Document {
    var text: UnsafeBufferPointer<UInt8>
    /// One for each field kept; nil where there is no value of that name.
    var metadata: [UnsafeBufferPointer<UInt8>?]
  }

  /// Bytes that must be readable behind a document.
  static let padding = hat_json_padding()

  private let reader: OpaquePointer
  private var kept: [hat_json_string]

  /// - Parameters:
  ///   - path: to the text (`path(toField:)`).
  ///   - keeping: outermost fields.
  ///   - withScalars: those of them that may be numbers and truth values too.
  init(path: [String], keeping: [String], withScalars: Set<String>) {
    kept = Array(repeating: hat_json_string(), count: keeping.count)
    reader = Self.withCStrings(path) { names in
      Self.withCStrings(keeping) { kept in
        hat_json_reader_create(
          names, path.count, kept, keeping.map { withScalars.contains($0) }, keeping.count)
      }
    }
  }

  deinit {
    hat_json_reader_free(reader)
  }

  /// Where there is no memory for it, the process ends (`LargeMemory`).
  /// - Parameter bytes: followed by `padding` readable bytes of whatever content.
  /// - Throws: `Problem`.
  func read(_ bytes: UnsafeBufferPointer<UInt8>) throws(Problem) -> Document {
    let wanted = hat_json_memory_wanted(reader, bytes.count)
    if wanted > 0 { LargeMemory.requireRoom(byteCount: wanted) }
    var text = hat_json_string()
    let outcome = hat_json_read_document(reader, bytes.baseAddress!, bytes.count, &text, &kept)
    if outcome == hat_json_no_memory { LargeMemory.refuse(wanted) }
    if let problem = Self.problem(outcome) { throw problem }
    return Document(text: UnsafeBufferPointer(start: text.bytes, count: text.count), metadata: values)
  }

  /// What is kept of an object, whether it has a text or not; valid until the next document is read.
  /// - Parameter bytes: followed by `padding` readable bytes of whatever content.
  /// - Throws: `Problem`.
  func scalars(_ bytes: UnsafeBufferPointer<UInt8>) throws(Problem) -> [UnsafeBufferPointer<UInt8>?] {
    do throws(Problem) {
      _ = try read(bytes)
    } catch .noField, .notAString {}
    return values
  }

  private var values: [UnsafeBufferPointer<UInt8>?] {
    kept.map { $0.bytes.map { [count = $0.count] in UnsafeBufferPointer(start: $0, count: count) } }
  }

  /// The offset of the first escape that is half of a surrogate pair, so that no text can be made of it.
  static func loneSurrogate(in bytes: UnsafeBufferPointer<UInt8>, from start: Int = 0) -> Int? {
    let offset = hat_json_lone_surrogate(bytes.baseAddress!, bytes.count, start)
    return offset < bytes.count ? offset : nil
  }

  /// The names on the way to a field: one for `text`, two for `a.b`, which is in an object inside.
  /// - Throws: `UserError` of kind `wrongUsage`.
  static func path(toField field: String) throws -> [String] {
    let names = field.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard names.allSatisfy({ !$0.isEmpty }) else {
      throw UserError(
        .wrongUsage, at: "`field`", "\"\(field)\" is not the name of a field",
        hint: "Write it like text, or like outer.inner for a field inside another.")
    }
    return names
  }

  private static func problem(_ outcome: hat_json_outcome) -> Problem? {
    switch outcome {
    case hat_json_read: nil
    case hat_json_invalid_utf8: .invalidUTF8
    case hat_json_too_deep: .tooDeep
    case hat_json_not_an_object: .notAnObject
    case hat_json_no_field: .noField
    case hat_json_not_a_string: .notAString
    case hat_json_repeated_field: .repeatedField
    default: .notJSON
    }
  }

  private static func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>>) -> Result
  ) -> Result {
    let copies = strings.map { UnsafePointer(strdup($0)!) }
    defer { for copy in copies { free(UnsafeMutablePointer(mutating: copy)) } }
    return copies.withUnsafeBufferPointer { body($0.baseAddress!) }
  }
}
