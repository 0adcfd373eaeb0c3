/// The values of a page, without its nulls, in the order of their rows.
///
/// A value is its bytes as PLAIN has them: of a string without its length, of a number in little-endian order, of a truth
/// value a byte.
enum ValueDecoder {
  case none
  case strings(ByteCursor)
  case numbers(ByteCursor, width: Int)
  case dictionary(ValueDictionary, HybridDecoder)
  case lengthFirst(LengthFirstStrings)
  case frontCoded(FrontCodedStrings)
  case differences(DeltaIntegers, width: Int, PageBuffer)
  case bits(HybridDecoder, PageBuffer)
  case packedBits(UnsafeRawBufferPointer, next: Int, PageBuffer)
  case splitNumbers(UnsafeRawBufferPointer, next: Int, width: Int, PageBuffer)

  /// - Parameters:
  ///   - encoding: its number in parquet.thrift.
  ///   - scratch: where values are put together that do not lie in the page as they are.
  init(
    _ column: ParquetColumn, encoding: Int, _ bytes: UnsafeRawBufferPointer, dictionary: ValueDictionary?,
    scratch: PageBuffer
  ) throws(ParquetFault) {
    let width = column.physicalType.width
    switch (encoding, column.physicalType) {
    case (0, .byteArray): self = .strings(ByteCursor(bytes))
    case (0, .boolean): self = .packedBits(bytes, next: 0, scratch)
    case (0, _) where width != nil: self = .numbers(ByteCursor(bytes), width: width!)
    case (2, _), (8, _):
      guard let dictionary else { throw .damaged("a page needs a dictionary, and there is none") }
      self = .dictionary(dictionary, try Self.places(bytes))
    case (3, .boolean):
      var cursor = ByteCursor(bytes)
      let count = try cursor.length()
      self = .bits(try HybridDecoder(try cursor.take(count), width: 1), scratch)
    case (5, .int32), (5, .int64): self = .differences(try DeltaIntegers(bytes), width: width!, scratch)
    case (6, .byteArray): self = .lengthFirst(try LengthFirstStrings(bytes))
    case (7, .byteArray): self = .frontCoded(try FrontCodedStrings(bytes, into: scratch))
    case (9, _) where width != nil: self = .splitNumbers(bytes, next: 0, width: width!, scratch)
    default:
      throw .unsupported(
        "column \"\(column.path)\" has a page in \(Self.name(encoding)), which is not read",
        instead: "Write the file with plain, dictionary, delta-length or delta-byte-array pages.")
    }
  }

  /// The places in a dictionary: how many bits they have, then they.
  private static func places(_ bytes: UnsafeRawBufferPointer) throws(ParquetFault) -> HybridDecoder {
    var cursor = ByteCursor(bytes)
    let width = Int(try cursor.byte())
    return try HybridDecoder(cursor.rest, width: width)
  }

  private static func name(_ encoding: Int) -> String {
    let names = [
      0: "PLAIN", 3: "RLE", 4: "BIT_PACKED", 5: "DELTA_BINARY_PACKED", 6: "DELTA_LENGTH_BYTE_ARRAY",
      7: "DELTA_BYTE_ARRAY", 9: "BYTE_STREAM_SPLIT",
    ]
    return names[encoding].map { "the encoding \($0)" } ?? "encoding number \(encoding)"
  }

  /// Valid until the next value, and as long as the page is.
  mutating func next() throws(ParquetFault) -> UnsafeRawBufferPointer {
    switch self {
    case .none: throw .damaged("a page has fewer values than it should")
    case .strings(var cursor):
      let value = try cursor.take(try cursor.length())
      self = .strings(cursor)
      return value
    case .numbers(var cursor, let width):
      let value = try cursor.take(width)
      self = .numbers(cursor, width: width)
      return value
    case .dictionary(let dictionary, var places):
      let value = try dictionary.value(at: Int(try places.next()))
      self = .dictionary(dictionary, places)
      return value
    case .lengthFirst(var strings):
      let value = try strings.next()
      self = .lengthFirst(strings)
      return value
    case .frontCoded(var strings):
      let value = try strings.next()
      self = .frontCoded(strings)
      return value
    case .differences(var integers, let width, let scratch):
      scratch.base.storeBytes(of: try integers.next().littleEndian, as: Int64.self)
      self = .differences(integers, width: width, scratch)
      return UnsafeRawBufferPointer(start: scratch.base, count: width)
    case .bits(var bits, let scratch):
      scratch.base.storeBytes(of: UInt8(try bits.next()), as: UInt8.self)
      self = .bits(bits, scratch)
      return UnsafeRawBufferPointer(start: scratch.base, count: 1)
    case .packedBits(let bytes, let next, let scratch):
      guard next < bytes.count * 8 else { throw .damaged("a page has fewer values than it should") }
      scratch.base.storeBytes(of: UInt8(bytes.bits(at: next, width: 1)), as: UInt8.self)
      self = .packedBits(bytes, next: next + 1, scratch)
      return UnsafeRawBufferPointer(start: scratch.base, count: 1)
    case .splitNumbers(let bytes, let next, let width, let scratch):
      // First the first bytes of all numbers, then their second bytes, and so on.
      let count = bytes.count / width
      guard next < count else { throw .damaged("a page has fewer values than it should") }
      for index in 0..<width {
        scratch.base.storeBytes(of: bytes[index * count + next], toByteOffset: index, as: UInt8.self)
      }
      self = .splitNumbers(bytes, next: next + 1, width: width, scratch)
      return UnsafeRawBufferPointer(start: scratch.base, count: width)
    }
  }
}

extension ParquetColumn.PhysicalType {
  /// Of a number, in bytes.
  fileprivate var width: Int? {
    switch self {
    case .int32, .float: 4
    case .int64, .double: 8
    default: nil
    }
  }
}

/// The values that pages refer to by their places.
final class ValueDictionary {
  private let bytes: UnsafeRawBufferPointer
  /// Keeps `bytes`.
  private let buffer: PageBuffer
  private var ranges: [Range<UInt32>] = []

  /// - Parameters:
  ///   - values: how many there are, encoded as PLAIN in `bytes`.
  ///   - buffer: keeps `bytes`, at most `ParquetLimits.dictionary` of them.
  init(_ column: ParquetColumn, values: Int, _ bytes: UnsafeRawBufferPointer, in buffer: PageBuffer)
    throws(ParquetFault)
  {
    (self.bytes, self.buffer) = (bytes, buffer)
    let width = column.physicalType.width
    guard width != nil || column.physicalType == .byteArray else {
      throw .unsupported(
        "column \"\(column.path)\" is \(column.typeName) in a dictionary, which is not read",
        instead: "Leave the column out.")
    }
    guard values <= bytes.count / (width ?? 4) else {
      throw .damaged("a dictionary is smaller than its values")
    }
    ranges.reserveCapacity(values)
    var cursor = ByteCursor(bytes)
    for _ in 0..<values {
      var count = width ?? 0
      if width == nil { count = try cursor.length() }
      let start = cursor.position
      _ = try cursor.take(count)
      ranges.append(UInt32(start)..<UInt32(start + count))
    }
  }

  func value(at place: Int) throws(ParquetFault) -> UnsafeRawBufferPointer {
    guard place < ranges.count else {
      throw .damaged("a page refers to value \(place) of a dictionary of \(ranges.count)")
    }
    let range = ranges[place]
    return UnsafeRawBufferPointer(rebasing: bytes[Int(range.lowerBound)..<Int(range.upperBound)])
  }
}
