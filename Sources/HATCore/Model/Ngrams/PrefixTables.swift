import HATKernels
import HATText

/// The decoder's tables of hashed prefixes (docs/model.md §4): of the bytes so far of the word that is spelled, alone, and
/// behind the word before it.
///
/// A prefix is looked up where its last byte stands; the empty one, which only counts behind a word, where the word opens. A to
/// Z count as a to z.
struct PrefixTables: Sendable {
  /// The most tables there may be.
  static let longest = 2

  /// Of prefixes alone, and of prefixes behind a word, each [rows, width].
  let places: [MatrixPlace]

  var isEmpty: Bool { places.isEmpty }

  /// Calls `body` with the row in table `table` of each prefix of `word`, from the empty one to the whole word.
  /// - Parameter body: gets nil where the table has no such prefix.
  @inline(__always)
  func forEachPrefix<Bytes: Sequence>(
    of word: Bytes, behind previous: Bytes, table: Int, _ body: (_ row: Int?) -> Void
  ) where Bytes.Element == UInt8 {
    var hash = NgramHash()
    if table > 0 {
      for byte in previous { hash.append(folding: byte) }
      hash.append(folding: SpecialByte.word)
    }
    body(table > 0 ? hash.row(of: places[table]) : nil)
    for byte in word {
      hash.append(folding: byte)
      body(hash.row(of: places[table]))
    }
  }

  /// Adds to `row` [width] the rows of a prefix.
  func add(_ prefix: ArraySlice<UInt8>, behind previous: [UInt8], _ weights: Weights, to row: FloatPointer) {
    for (index, place) in places.enumerated() {
      var last: Int?
      forEachPrefix(of: prefix, behind: previous[...], table: index) { last = $0 }
      guard let last else { continue }
      Vector.add(weights[place].row(last), to: row, count: place.columns)
    }
  }
}
