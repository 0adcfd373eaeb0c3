import HATStorage

/// What is known of a document besides its text: names and values, ordered by name.
public struct DocumentMetadata: Sendable, Equatable {
  /// The fields kept of a JSON document, where they are strings.
  public static let keptFields = ["language", "license", "source"]
  static let longestName = 255
  static let longestValue = 65_535

  public private(set) var entries: [(name: String, value: String)] = []

  public init(_ entries: [String: String] = [:]) {
    self.entries = entries.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  public subscript(name: String) -> String? {
    entries.first { $0.name == name }?.value
  }

  public static func == (left: Self, right: Self) -> Bool {
    left.entries.elementsEqual(right.entries) { $0 == $1 }
  }
}

extension DocumentMetadata {
  /// Appends each entry as: length of the name in one byte, name, length of the value in two, value.
  func encode(into bytes: inout [UInt8]) {
    for (name, value) in entries {
      precondition(name.utf8.count <= Self.longestName && value.utf8.count <= Self.longestValue)
      bytes.append(UInt8(name.utf8.count))
      bytes.append(contentsOf: name.utf8)
      bytes.appendLittleEndian(UInt16(value.utf8.count))
      bytes.append(contentsOf: value.utf8)
    }
  }

  /// - Throws: `FormatDamage`.
  init(decoding bytes: UnsafeRawBufferPointer) throws {
    var parser = ByteParser(bytes)
    while !parser.isAtEnd {
      let name = try parser.text(Int(parser.integer(UInt8.self)))
      let value = try parser.text(Int(parser.integer(UInt16.self)))
      entries.append((name, value))
    }
  }
}
