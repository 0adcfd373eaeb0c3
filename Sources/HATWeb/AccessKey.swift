import Foundation
import HATStorage
import SystemPackage

/// What clients must send to be served.
public struct AccessKey: Sendable {
  /// In bytes.
  private static let lengths = 1...4096

  private let bytes: [UInt8]

  /// - Throws: `UserError` of kind `wrongUsage` for a key that no header can hold.
  public init(_ key: String, from place: String) throws {
    bytes = Array(key.utf8)
    guard Self.lengths ~= bytes.count, bytes.allSatisfy({ 0x21...0x7E ~= $0 }) else {
      throw UserError(
        .wrongUsage, at: place,
        "it has no key of 1 to \(Self.lengths.upperBound) printable ASCII characters without spaces",
        hint: "Write such a key, alone.")
    }
  }

  /// The first line of a file.
  /// - Throws: `UserError`.
  public init(reading path: FilePath) throws {
    let file = try FileReader(opening: path)
    let bytes = try file.read(at: 0, count: min(file.length, Self.lengths.upperBound + 2))
    let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
    try self.init(String(decoding: line, as: UTF8.self), from: path.string)
  }

  /// Whether the value of the header `Authorization` has the key. It takes as long for any key of its length.
  func opens(_ header: String?) -> Bool {
    let scheme = "bearer "
    guard let header, header.lowercased().hasPrefix(scheme) else { return false }
    let given = Array(header.utf8.dropFirst(scheme.utf8.count))
    guard given.count == bytes.count else { return false }
    return zip(given, bytes).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
