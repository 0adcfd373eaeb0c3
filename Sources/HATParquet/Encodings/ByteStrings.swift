import Glibc

/// Strings whose lengths come first, all together (encoding DELTA_LENGTH_BYTE_ARRAY).
struct LengthFirstStrings {
  private var lengths: DeltaIntegers
  private var cursor: ByteCursor

  init(_ bytes: UnsafeRawBufferPointer) throws(ParquetFault) {
    lengths = try DeltaIntegers(bytes)
    cursor = ByteCursor(try lengths.bytesBehind())
  }

  mutating func next() throws(ParquetFault) -> UnsafeRawBufferPointer {
    try cursor.take(Int(try lengths.next()))
  }
}

/// Strings that begin like the one before (encoding DELTA_BYTE_ARRAY).
struct FrontCodedStrings {
  private var prefixes: DeltaIntegers
  private var suffixes: LengthFirstStrings
  /// The string handed out last: no longer than all suffixes of the page together.
  private let last: PageBuffer
  private var length = 0

  init(_ bytes: UnsafeRawBufferPointer, into last: PageBuffer) throws(ParquetFault) {
    prefixes = try DeltaIntegers(bytes)
    suffixes = try LengthFirstStrings(try prefixes.bytesBehind())
    self.last = last
  }

  mutating func next() throws(ParquetFault) -> UnsafeRawBufferPointer {
    let prefix = try prefixes.next()
    guard 0...Int64(length) ~= prefix else {
      throw .damaged("a string shares \(prefix) bytes with one of \(length) bytes before it")
    }
    let suffix = try suffixes.next()
    last.makeRoom(Int(prefix) + suffix.count, keeping: Int(prefix))
    if let start = suffix.baseAddress { memcpy(last.base + Int(prefix), start, suffix.count) }
    length = Int(prefix) + suffix.count
    return UnsafeRawBufferPointer(start: last.base, count: length)
  }
}
