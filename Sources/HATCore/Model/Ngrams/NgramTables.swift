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
    var hash = NgramHash()
    let longest = min(places.count + 1, last - symbols.startIndex + 1)
    for offset in 0..<longest {
      let symbol = symbols[last - offset]
      if foldsCase { hash.append(folding: UInt8(symbol)) } else { hash.append(UInt64(symbol)) }
      if offset > 0 { body(offset - 1, hash.row(of: places[offset - 1])) }
    }
  }
}
