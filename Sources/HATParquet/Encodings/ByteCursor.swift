/// Takes bytes one behind the other from a part of a page, and never beyond its end.
///
/// The page outlives it: its owner sees to that.
struct ByteCursor {
  private let bytes: UnsafeRawBufferPointer
  /// Where the next value starts.
  private(set) var position = 0

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  var remaining: Int { bytes.count - position }

  /// What has not been taken yet.
  var rest: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[position...]) }

  mutating func take(_ count: Int) throws(ParquetFault) -> UnsafeRawBufferPointer {
    guard 0...remaining ~= count else { throw .damaged("a page ends inside a value") }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }

  mutating func byte() throws(ParquetFault) -> UInt8 { try take(1)[0] }

  /// A length in four bytes.
  mutating func length() throws(ParquetFault) -> Int {
    Int(UInt32(littleEndian: try take(4).loadUnaligned(as: UInt32.self)))
  }

  mutating func variableInteger() throws(ParquetFault) -> UInt64 {
    var (value, shift) = (UInt64(0), UInt64(0))
    while true {
      let byte = try byte()
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
      guard shift < 64 else { throw .damaged("a number in a page has no end") }
    }
  }

  mutating func zigZagInteger() throws(ParquetFault) -> Int64 {
    let value = try variableInteger()
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }
}

extension UnsafeRawBufferPointer {
  /// `width` bits, at most 64, that start at bit `start`, the lowest first. All of them lie in the buffer.
  func bits(at start: Int, width: Int) -> UInt64 {
    guard width > 0 else { return 0 }
    let (first, shift) = (start >> 3, UInt64(start & 7))
    var low: UInt64 = 0
    if first + 8 <= count {
      low = UInt64(littleEndian: loadUnaligned(fromByteOffset: first, as: UInt64.self))
    } else {
      for index in first..<count { low |= UInt64(self[index]) << UInt64(8 * (index - first)) }
    }
    var value = low >> shift
    if Int(shift) + width > 64 { value |= UInt64(self[first + 8]) << (64 - shift) }
    return width == 64 ? value : value & (1 << UInt64(width) - 1)
  }
}
