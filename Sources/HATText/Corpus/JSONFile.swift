import Foundation
import HATStorage
import SystemPackage

/// Small files of settings and counts: JSON with sorted keys in snake_case.
enum JSONFile {
  /// - Throws: `UserError` of kind `cannotWrite`.
  static func write(_ value: some Encodable, to path: FilePath) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    try DurableFile.write([UInt8](encoder.encode(value)) + [0x0A], to: path)
  }

  /// - Throws: `UserError`: `missingInput`, `invalidData`.
  static func read<Value: Decodable>(_ type: Value.Type, from path: FilePath) throws -> Value {
    let file = try FileReader(opening: path)
    let bytes = try file.read(at: 0, count: file.length)
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      return try decoder.decode(type, from: Data(bytes))
    } catch let error as DecodingError {
      throw UserError(
        .invalidData, at: path.string, "it cannot be understood (\(error.summary))",
        hint: "Restore the file, or preprocess the text into a new folder.")
    }
  }
}
