/// Small numbers as runs of equal ones and as packed bits by turns (encoding RLE): levels, places in a dictionary, truth values.
struct HybridDecoder {
  private var cursor: ByteCursor
  private let width: Int
  /// Of the run under way, how many are left.
  private var remaining = 0
  /// Nil where the run is of packed bits.
  private var repeated: UInt32?
  private var packed = UnsafeRawBufferPointer(start: nil, count: 0)
  private var bit = 0

  /// - Parameter width: of a number, in bits, up to 32.
  init(_ bytes: UnsafeRawBufferPointer, width: Int) throws(ParquetFault) {
    guard 0...32 ~= width else { throw .damaged("its numbers have \(width) bits") }
    cursor = ByteCursor(bytes)
    self.width = width
  }

  mutating func next() throws(ParquetFault) -> UInt32 {
    while remaining == 0 { try beginRun() }
    remaining -= 1
    if let repeated { return repeated }
    // The last byte of a page may be cut off where no number needs it.
    guard bit + width <= packed.count * 8 else { throw .damaged("a page ends inside its numbers") }
    defer { bit += width }
    return UInt32(truncatingIfNeeded: packed.bits(at: bit, width: width))
  }

  private mutating func beginRun() throws(ParquetFault) {
    let header = try cursor.variableInteger()
    guard header <= UInt64(UInt32.max) else { throw .damaged("a run in a page is impossibly long") }
    if header & 1 == 1 {
      remaining = Int(header >> 1) * 8
      repeated = nil
      packed = try cursor.take(min(Int(header >> 1) * width, cursor.remaining))
      bit = 0
    } else {
      remaining = Int(header >> 1)
      var value: UInt32 = 0
      for (index, byte) in try cursor.take((width + 7) / 8).enumerated() {
        value |= UInt32(byte) << UInt32(8 * index)
      }
      repeated = value
    }
  }
}
