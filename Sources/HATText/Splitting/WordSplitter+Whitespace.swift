extension WordSplitter {
  /// Sixty-four bytes at a time: a bit for each that is white space, from them a bit for each that starts a word.
  func splitAtWhitespace(_ text: UnsafeBufferPointer<UInt8>, into lengths: inout [UInt32]) {
    // English has a word every 5 to 6 bytes; the array then grows at most once or twice.
    lengths.reserveCapacity(text.count / 5)
    var scanner = WhitespaceScanner(text)
    var (start, previousIsSpace) = (0, 0 as UInt64)
    while let (offset, spaces) = scanner.next() {
      var starts = ~spaces & (spaces << 1 | previousIsSpace)
      previousIsSpace = spaces >> 63
      while starts != 0 {
        let end = offset + starts.trailingZeroBitCount
        if end >= text.count { break }
        emit(start..<end, of: text, into: &lengths)
        start = end
        starts &= starts - 1
      }
    }
    if start < text.count { emit(start..<text.count, of: text, into: &lengths) }
  }
}

/// Finds white space in blocks of 64 bytes.
private struct WhitespaceScanner {
  static let block = 64

  private let text: UnsafeBufferPointer<UInt8>
  private var offset = 0
  /// Bits of a scalar that reaches into the next block.
  private var overhang: UInt64 = 0

  init(_ text: UnsafeBufferPointer<UInt8>) {
    self.text = text
  }

  /// The offset of the next block, and a bit for each of its bytes that is white space, the first lowest.
  mutating func next() -> (offset: Int, spaces: UInt64)? {
    guard offset < text.count else { return nil }
    defer { offset += Self.block }
    var (spaces, leads) = text.count - offset >= Self.block ? wholeBlock() : lastBlock()
    spaces |= overhang
    overhang = 0
    while leads != 0 {
      addScalar(at: leads.trailingZeroBitCount, to: &spaces)
      leads &= leads - 1
    }
    return (offset, spaces)
  }

  /// A bit for each byte that is ASCII white space, and for each that may start a longer white-space scalar.
  private func wholeBlock() -> (spaces: UInt64, leads: UInt64) {
    let base = UnsafeRawPointer(text.baseAddress! + offset)
    var (spaces, leads) = (0 as UInt64, 0 as UInt64)
    for part in 0..<8 {
      let bytes = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: part * 8, as: UInt64.self))
      spaces |= Whitespace.asciiSpaces(bytes) << (part * 8)
      if bytes & EightBytes.highBits != 0 { leads |= Whitespace.leads(bytes) << (part * 8) }
    }
    return (spaces, leads)
  }

  private func lastBlock() -> (spaces: UInt64, leads: UInt64) {
    var (spaces, leads) = (0 as UInt64, 0 as UInt64)
    for index in 0..<text.count - offset {
      switch text[offset + index] {
      case 0x09...0x0D, 0x20: spaces |= 1 << index
      case 0xC2, 0xE1...0xE3: leads |= 1 << index
      default: break
      }
    }
    return (spaces, leads)
  }

  private mutating func addScalar(at index: Int, to spaces: inout UInt64) {
    let length = Whitespace.length(at: offset + index, in: text)
    let bits = (1 << length) - 1 as UInt64
    spaces |= bits << index
    if index + length > Self.block { overhang = bits >> (Self.block - index) }
  }
}

/// The Unicode property `White_Space` on UTF-8 bytes: U+0009…U+000D, 0020, 0085, 00A0, 1680, 2000…200A, 2028,
/// 2029, 202F, 205F, 3000. Unchanged since Unicode 6.3, and small enough to be written out.
enum Whitespace {
  /// A bit for each of eight bytes that is ASCII white space, the first lowest.
  @inline(__always)
  static func asciiSpaces(_ bytes: UInt64) -> UInt64 {
    let low = bytes & ~EightBytes.highBits
    let found = EightBytes.isIn(0x09, 0x0D, low) | EightBytes.isIn(0x20, 0x20, low)
    return EightBytes.gather(found & ~bytes)
  }

  /// A bit for each of eight bytes that starts scalars some of which are white space: C2, E1, E2, E3.
  @inline(__always)
  static func leads(_ bytes: UInt64) -> UInt64 {
    let low = bytes & ~EightBytes.highBits
    let found = EightBytes.isIn(0x42, 0x42, low) | EightBytes.isIn(0x61, 0x63, low)
    return EightBytes.gather(found & bytes)
  }

  /// The bytes of the white-space scalar that starts with a lead byte at `position`; 0 where it is another.
  @inline(never)
  static func length(at position: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    let left = text.count - position
    guard left >= 2 else { return 0 }
    let second = text[position + 1]
    if text[position] == 0xC2 { return second == 0x85 || second == 0xA0 ? 2 : 0 }
    guard left >= 3 else { return 0 }
    let third = text[position + 2]
    switch (text[position], second, third) {
    case (0xE1, 0x9A, 0x80), (0xE2, 0x80, 0x80...0x8A), (0xE2, 0x80, 0xA8), (0xE2, 0x80, 0xA9),
      (0xE2, 0x80, 0xAF), (0xE2, 0x81, 0x9F), (0xE3, 0x80, 0x80):
      return 3
    default: return 0
    }
  }
}

/// Eight bytes in one number, the first lowest, looked at together.
private enum EightBytes {
  static let highBits: UInt64 = 0x8080_8080_8080_8080
  private static let ones: UInt64 = 0x0101_0101_0101_0101

  /// The high bit of each byte of `low`, all below 0x80, that lies from `first` to `last`.
  @inline(__always)
  static func isIn(_ first: UInt64, _ last: UInt64, _ low: UInt64) -> UInt64 {
    // Neither sum carries into the next byte, so that its high bits are comparisons.
    let isAtLeastFirst = low &+ (ones &* (0x80 - first))
    let isAboveLast = low &+ (ones &* (0x7F - last))
    return isAtLeastFirst & ~isAboveLast & highBits
  }

  /// The high bits of eight bytes as the low eight bits.
  @inline(__always)
  static func gather(_ high: UInt64) -> UInt64 {
    (((high & highBits) >> 7) &* 0x0102_0408_1020_4080) >> 56
  }
}
