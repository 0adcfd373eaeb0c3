import HATStorage

/// Takes little-endian values from some bytes, one behind the other, and never beyond their end.
struct ByteParser {
  private let bytes: [UInt8]
  /// Where the next value starts.
  private(set) var position: Int
  private let end: Int

  /// - Parameter range: what to parse; nil is all.
  init(_ bytes: [UInt8], in range: Range<Int>? = nil) {
    self.bytes = bytes
    (position, end) = (range?.lowerBound ?? 0, range?.upperBound ?? bytes.count)
    precondition(end <= bytes.count)
  }

  var remaining: Int { end - position }

  mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws -> Value {
    let start = try take(MemoryLayout<Value>.size)
    return bytes.withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: type)) }
  }

  /// A count or size of at most `limit`.
  mutating func size<Value: FixedWidthInteger & UnsignedInteger>(
    _ name: String, atMost limit: Int, as type: Value.Type = UInt64.self
  ) throws -> Int {
    let value = try integer(type)
    guard value <= limit else { throw FormatDamage("\(name) is \(value), more than \(limit)") }
    return Int(value)
  }

  mutating func checksum() throws -> Checksum { Checksum(value: try integer(UInt64.self)) }

  mutating func bytes(_ count: Int) throws -> ArraySlice<UInt8> {
    let start = try take(count)
    return bytes[start..<position]
  }

  mutating func text(_ count: Int) throws -> String {
    guard let text = String(validating: try bytes(count), as: UTF8.self) else {
      throw FormatDamage("a name or value is not UTF-8")
    }
    return text
  }

  /// - Returns: where the bytes taken start.
  private mutating func take(_ count: Int) throws -> Int {
    guard count <= remaining else {
      throw FormatDamage("it ends where \(count - remaining) more bytes were expected")
    }
    defer { position += count }
    return position
  }
}

extension [UInt8] {
  mutating func appendLittleEndian(_ value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  mutating func append(_ checksum: Checksum) { appendLittleEndian(checksum.value) }
}
