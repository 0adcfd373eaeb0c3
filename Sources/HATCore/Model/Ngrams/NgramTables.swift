import HATKernels

/// The tables of hashed n-grams of one module (docs/model.md §4): one for each order, from bigrams on.
///
/// Symbols are the bytes of a word or the tokens of a piece. An n-gram is looked up where its last symbol stands.
struct NgramTables: Sendable {
  /// Of bigrams, trigrams and so on, each [rows, width].
  let places: [MatrixPlace]
  /// Whether A to Z count as a to z, for symbols that are bytes.
  let foldsCase: Bool

  var isEmpty: Bool { places.isEmpty }

  /// Adds to `row` [width] the rows of the n-grams that end at `last`.
  func add<Symbols: RandomAccessCollection>(
    endingAt last: Int, of symbols: Symbols, _ weights: Weights, to row: FloatPointer
  ) where Symbols.Element: BinaryInteger, Symbols.Index == Int {
    forEachRow(endingAt: last, of: symbols) { table, index in
      let table = weights[places[table]]
      Vector.add(table.row(index), to: row, count: table.columns)
    }
  }

  /// Calls `body` with each table that has an n-gram that ends at `last`, in order, and the n-gram's row in it.
  ///
  /// The hash reads an n-gram from its last symbol to its first, so that a longer one continues the hash of a shorter one.
  @inline(__always)
  func forEachRow<Symbols: RandomAccessCollection>(
    endingAt last: Int, of symbols: Symbols, _ body: (_ table: Int, _ row: Int) -> Void
  ) where Symbols.Element: BinaryInteger, Symbols.Index == Int {
    var hash: UInt64 = 0
    let longest = min(places.count + 1, last - symbols.startIndex + 1)
    for offset in 0..<longest {
      hash = (hash &+ folded(UInt64(symbols[last - offset])) &+ 1) &* 0x9E37_79B9_7F4A_7C15
      hash ^= hash >> 32
      guard offset > 0 else { continue }
      // The upper half, as a fraction of the rows.
      body(offset - 1, Int(((hash >> 32) * UInt64(places[offset - 1].rows)) >> 32))
    }
  }

  @inline(__always)
  private func folded(_ symbol: UInt64) -> UInt64 {
    foldsCase && symbol &- 0x41 < 26 ? symbol + 0x20 : symbol
  }
}
