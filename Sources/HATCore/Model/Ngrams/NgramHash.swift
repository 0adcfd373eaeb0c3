/// The hash of a sequence of symbols that finds its row in a table (docs/model.md §4). A longer sequence continues the hash of a
/// shorter one.
struct NgramHash {
  private var value: UInt64 = 0

  /// - Parameter symbol: a byte, or a token.
  @inline(__always)
  mutating func append(_ symbol: UInt64) {
    value = (value &+ symbol &+ 1) &* 0x9E37_79B9_7F4A_7C15
    value ^= value >> 32
  }

  /// Appends a byte of a word: A to Z count as a to z.
  @inline(__always)
  mutating func append(folding byte: UInt8) { append(UInt64(Self.folded(byte))) }

  @inline(__always)
  private static func folded(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte + 0x20 : byte }

  /// The upper half, as a fraction of the rows.
  @inline(__always)
  func row(of table: MatrixPlace) -> Int { Int(((value >> 32) * UInt64(table.rows)) >> 32) }
}
