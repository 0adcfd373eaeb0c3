import Foundation
import SystemPackage

/// Small files of settings and counts: JSON with sorted keys in snake_case.
package enum JSONFile {
  /// Far above that of any file of ours.
  private static let longest = 1 << 30

  /// - Throws: `UserError` of kind `cannotWrite`.
  package static func write(_ value: some Encodable, to path: FilePath) throws {
    try DurableFile.write(encoded(value, .prettyPrinted) + [0x0A], to: path)
  }

  /// JSON as hat writes it everywhere: with sorted keys in snake_case, on one line unless it is to be pretty.
  package static func encoded(
    _ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting = []
  ) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = formatting.union([.sortedKeys, .withoutEscapingSlashes])
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return [UInt8](try encoder.encode(value))
  }

  /// - Parameter hint: what to do about a file that cannot be understood.
  /// - Throws: `UserError`: `missingInput`, `invalidData`.
  package static func read<Value: Decodable>(
    _ type: Value.Type, from path: FilePath, hint: String
  ) throws -> Value {
    let file = try FileReader(opening: path)
    guard file.length <= longest else {
      throw UserError(.invalidData, at: path.string, "it has \(file.length) bytes", hint: hint)
    }
    let bytes = try file.read(at: 0, count: file.length)
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      return try decoder.decode(type, from: Data(bytes))
    } catch let error as DecodingError {
      throw UserError(
        .invalidData, at: path.string, "it cannot be understood (\(error.summary(ofKey: snakeCase)))",
        hint: hint)
    }
  }
}

extension JSONFile {
  /// The key in the file that was decoded under this name.
  private static func snakeCase(_ name: String) -> String {
    name.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
  }
}

extension DecodingError {
  /// What is wrong with the JSON, in a few words.
  /// - Parameter name: what a key is called in the file.
  package func summary(ofKey name: (String) -> String = { $0 }) -> String {
    switch self {
    case .keyNotFound(let key, _): "\"\(name(key.stringValue))\" is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      context.codingPath.isEmpty
        ? "it is not an object" : "\(Self.place(context, name)) is of the wrong type"
    case .dataCorrupted(let context):
      context.codingPath.isEmpty
        ? "it is not valid JSON" : "\(Self.place(context, name)) cannot be: \(context.debugDescription)"
    @unknown default: "it is not what it should be"
    }
  }

  private static func place(_ context: Context, _ name: (String) -> String) -> String {
    "\"\(context.codingPath.map { name($0.stringValue) }.joined(separator: "."))\""
  }
}
