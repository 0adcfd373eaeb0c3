/// Integers as differences to the one before, in blocks of packed bits (encoding DELTA_BINARY_PACKED).
///
/// They are unpacked one by one: whatever number of them a page declares takes no memory.
struct DeltaIntegers {
  private var cursor: ByteCursor
  private let miniblocks: Int
  private let valuesPerMiniblock: Int
  /// Not handed out yet.
  private var remaining: Int
  private var value: Int64
  private var isFirst = true
  // Of the block under way:
  private var leastDelta: Int64 = 0
  private var widths = UnsafeRawBufferPointer(start: nil, count: 0)
  private var miniblock: Int
  private var packed = UnsafeRawBufferPointer(start: nil, count: 0)
  private var index: Int

  private static let largestBlock: UInt64 = 1 << 24

  init(_ bytes: UnsafeRawBufferPointer) throws(ParquetFault) {
    cursor = ByteCursor(bytes)
    let block = try cursor.variableInteger()
    let count = try cursor.variableInteger()
    let values = try cursor.variableInteger()
    value = try cursor.zigZagInteger()
    guard 1...Self.largestBlock ~= block, 1...block ~= count, block % count == 0, block / count % 8 == 0,
      values <= UInt64(Int32.max)
    else { throw .damaged("a block of differences has an impossible shape") }
    (miniblocks, valuesPerMiniblock, remaining) = (Int(count), Int(block / count), Int(values))
    (miniblock, index) = (miniblocks, valuesPerMiniblock)
  }

  mutating func next() throws(ParquetFault) -> Int64 {
    guard remaining > 0 else { throw .damaged("a page has fewer values than it should") }
    remaining -= 1
    if isFirst {
      isFirst = false
      return value
    }
    if index == valuesPerMiniblock { try beginMiniblock() }
    let width = Int(widths[miniblock])
    value &+= leastDelta &+ Int64(bitPattern: packed.bits(at: index * width, width: width))
    index += 1
    return value
  }

  private mutating func beginMiniblock() throws(ParquetFault) {
    miniblock += 1
    if miniblock >= miniblocks {
      leastDelta = try cursor.zigZagInteger()
      widths = try cursor.take(miniblocks)
      miniblock = 0
    }
    let width = Int(widths[miniblock])
    guard width <= 64 else { throw .damaged("a difference has \(width) bits") }
    packed = try cursor.take(width * valuesPerMiniblock / 8)
    index = 0
  }

  /// What lies behind the integers; they are not consumed.
  func bytesBehind() throws(ParquetFault) -> UnsafeRawBufferPointer {
    var copy = self
    copy.remaining -= 1
    while copy.remaining > 0 {
      try copy.beginMiniblock()
      copy.remaining -= copy.valuesPerMiniblock
    }
    return copy.cursor.rest
  }
}
