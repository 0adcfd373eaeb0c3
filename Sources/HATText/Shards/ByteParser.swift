/// What is wrong with bytes that should follow a format; the reader adds the place.
struct FormatDamage: Error {
  var problem: String
  init(_ problem: String) { self.problem = problem }
}

/// Takes little-endian values from the front of some bytes, and never beyond their end.
struct ByteParser {
  private var bytes: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  var isAtEnd: Bool { bytes.isEmpty }
  var remaining: Int { bytes.count }

  mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws -> Value {
    let taken = try self.bytes(MemoryLayout<Value>.size)
    return Value(littleEndian: taken.loadUnaligned(as: Value.self))
  }

  /// A count or size: unsigned, 64 bits, at most `limit`.
  mutating func size(_ name: String, atMost limit: Int) throws -> Int {
    let value = try integer(UInt64.self)
    guard value <= UInt64(limit) else { throw FormatDamage("\(name) is \(value), more than \(limit)") }
    return Int(value)
  }

  /// A count or size: unsigned, 32 bits, at most `limit`.
  mutating func smallSize(_ name: String, atMost limit: Int) throws -> Int {
    let value = Int(try integer(UInt32.self))
    guard value <= limit else { throw FormatDamage("\(name) is \(value), more than \(limit)") }
    return value
  }

  mutating func bytes(_ count: Int) throws -> UnsafeRawBufferPointer {
    guard count <= bytes.count else {
      throw FormatDamage("it ends where \(count - bytes.count) more bytes were expected")
    }
    let taken = UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.startIndex + count)])
    bytes = UnsafeRawBufferPointer(rebasing: bytes[(bytes.startIndex + count)...])
    return taken
  }

  mutating func text(_ count: Int) throws -> String {
    guard let text = String(validating: try bytes(count), as: UTF8.self) else {
      throw FormatDamage("a name or value is not UTF-8")
    }
    return text
  }
}

extension [UInt8] {
  mutating func appendLittleEndian(_ value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}
