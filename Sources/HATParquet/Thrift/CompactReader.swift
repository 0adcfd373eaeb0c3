/// Reads the compact protocol of Apache Thrift, as its specification has it, from some bytes.
///
/// No size that is read is trusted: a list is read element by element, and every element takes at least a byte.
struct CompactReader {
  /// What a field or an element is on the wire.
  enum Kind: UInt8 {
    case isTrue = 1
    case isFalse, byte, int16, int32, int64, double, binary, list, set, map, structure, uuid
  }

  private static let deepest = 64

  private let bytes: UnsafeRawBufferPointer
  /// Where the next value starts.
  private(set) var position: Int

  init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0) {
    (self.bytes, self.position) = (bytes, position)
  }

  private var remaining: Int { bytes.count - position }

  private mutating func byte() throws(ParquetFault) -> UInt8 {
    guard remaining > 0 else { throw .ended(in: "metadata") }
    defer { position += 1 }
    return bytes[position]
  }

  private mutating func advance(by count: UInt64) throws(ParquetFault) -> Int {
    guard count <= UInt64(remaining) else { throw .ended(in: "metadata") }
    defer { position += Int(count) }
    return position
  }

  private mutating func variableInteger() throws(ParquetFault) -> UInt64 {
    var (value, shift) = (UInt64(0), UInt64(0))
    while true {
      let byte = try byte()
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
      guard shift < 64 else { throw .damaged("a number in its metadata has no end") }
    }
  }
}

// MARK: - Values

extension CompactReader {
  mutating func integer(_ kind: Kind) throws(ParquetFault) -> Int {
    switch kind {
    case .byte: return Int(Int8(bitPattern: try byte()))
    case .int16, .int32, .int64:
      let value = try variableInteger()
      return Int(truncatingIfNeeded: value >> 1) ^ -Int(value & 1)
    default: throw Self.otherKind
    }
  }

  func boolean(_ kind: Kind) throws(ParquetFault) -> Bool {
    switch kind {
    case .isTrue: return true
    case .isFalse: return false
    default: throw Self.otherKind
    }
  }

  mutating func text(_ kind: Kind) throws(ParquetFault) -> String {
    guard kind == .binary else { throw Self.otherKind }
    let count = try variableInteger()
    let start = try advance(by: count)
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// Calls `body` with the number and kind of each field; it reads or skips the field's value.
  mutating func structure(
    _ kind: Kind = .structure,
    _ body: (inout CompactReader, _ field: Int, _ kind: Kind) throws(ParquetFault) -> Void
  ) throws(ParquetFault) {
    guard kind == .structure else { throw Self.otherKind }
    var field = 0
    while true {
      let header = try byte()
      if header == 0 { return }
      let step = Int(header >> 4)
      field = step == 0 ? try integer(.int16) : field &+ step
      try body(&self, field, try Self.kind(header & 0x0F))
    }
  }

  /// Calls `body` for each element of a list; it reads the element.
  mutating func list(
    _ kind: Kind, _ body: (inout CompactReader, _ kind: Kind) throws(ParquetFault) -> Void
  ) throws(ParquetFault) {
    guard kind == .list || kind == .set else { throw Self.otherKind }
    let (count, element) = try listHeader()
    for _ in 0..<count { try body(&self, element) }
  }

  private mutating func listHeader() throws(ParquetFault) -> (count: Int, element: Kind) {
    let header = try byte()
    let count = header >> 4 == 15 ? try variableInteger() : UInt64(header >> 4)
    guard count <= UInt64(remaining) else { throw .ended(in: "metadata") }
    return (Int(count), count == 0 ? .byte : try Self.kind(header & 0x0F))
  }

  private static func kind(_ number: UInt8) throws(ParquetFault) -> Kind {
    guard let kind = Kind(rawValue: number) else {
      throw .damaged("its metadata has a field of an unknown kind")
    }
    return kind
  }

  private static var otherKind: ParquetFault {
    .damaged("a field of its metadata is of another kind than the format says")
  }
}

// MARK: - What is not wanted

extension CompactReader {
  mutating func skip(_ kind: Kind) throws(ParquetFault) { try skip(kind, depth: 0) }

  private mutating func skip(_ kind: Kind, depth: Int) throws(ParquetFault) {
    guard depth < Self.deepest else { throw .damaged("its metadata is nested too deep") }
    switch kind {
    case .isTrue, .isFalse: break
    case .byte: _ = try byte()
    case .int16, .int32, .int64: _ = try variableInteger()
    case .double: _ = try advance(by: 8)
    case .uuid: _ = try advance(by: 16)
    case .binary:
      let count = try variableInteger()
      _ = try advance(by: count)
    case .structure:
      try structure { reader, _, kind throws(ParquetFault) in try reader.skip(kind, depth: depth + 1) }
    case .list, .set:
      let (count, element) = try listHeader()
      for _ in 0..<count { try skipElement(element, depth: depth + 1) }
    case .map: try skipMap(depth: depth + 1)
    }
  }

  /// In a list or map a truth value takes a byte, unlike in a structure.
  private mutating func skipElement(_ kind: Kind, depth: Int) throws(ParquetFault) {
    try skip(kind == .isTrue || kind == .isFalse ? .byte : kind, depth: depth)
  }

  private mutating func skipMap(depth: Int) throws(ParquetFault) {
    let count = try variableInteger()
    if count == 0 { return }
    let kinds = try byte()
    let (key, value) = (try Self.kind(kinds >> 4), try Self.kind(kinds & 0x0F))
    guard count <= UInt64(remaining) else { throw .ended(in: "metadata") }
    for _ in 0..<count {
      try skipElement(key, depth: depth)
      try skipElement(value, depth: depth)
    }
  }
}
