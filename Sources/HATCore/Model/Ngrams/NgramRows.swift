import HATKernels

/// Which rows of a module's hashed tables are added to the rows of its input; each tile, or batch, refills it.
final class NgramRows {
  /// Where a table has no row: a negative number.
  private static let none: Int32 = -1

  private let ngrams: NgramTables
  private let prefixes: PrefixTables
  /// Of both, in the order in which their rows are added.
  private let places: [MatrixPlace]
  /// [rows] for each table: the table's row, or `none`.
  private let indices: [FixedList<Int32>]

  /// - Parameter rows: of an input, at most.
  init(_ ngrams: NgramTables, _ prefixes: PrefixTables = PrefixTables(places: []), rows: Int) {
    (self.ngrams, self.prefixes) = (ngrams, prefixes)
    places = ngrams.places + prefixes.places
    indices = places.map { _ in FixedList(capacity: rows) }
  }

  /// Whether there are no tables.
  var isEmpty: Bool { places.isEmpty }

  func removeAll() {
    for list in indices { list.removeAll() }
  }

  /// Appends a row for each symbol of a piece.
  func append<Symbols: RandomAccessCollection>(_ symbols: Symbols)
  where Symbols.Element: BinaryInteger, Symbols.Index == Int {
    guard !ngrams.isEmpty else { return }
    let start = indices[0].count
    appendNone(symbols.count)
    for (place, last) in symbols.indices.enumerated() {
      ngrams.forEachRow(endingAt: last, of: symbols) { table, row in
        indices[table].base[start + place] = Int32(row)
      }
    }
  }

  /// Appends the row that opens a word, and one for each of its bytes.
  /// - Parameter previous: the word before it; for prefixes.
  func append(word: ArraySlice<UInt8>, behind previous: ArraySlice<UInt8>) {
    if !ngrams.isEmpty {
      appendNone(1)
      append(word)
    }
    for table in prefixes.places.indices {
      let list = indices[ngrams.places.count + table]
      prefixes.forEachPrefix(of: word, behind: previous, table: table) { row in
        list.append(row.map { Int32($0) } ?? Self.none)
      }
    }
  }

  /// Appends rows where no n-gram ends.
  private func appendNone(_ count: Int) {
    for table in ngrams.places.indices { indices[table].append(repeating: Self.none, count: count) }
  }

  /// Adds the tables' rows to the rows of an input: n-grams, shorter ones first, then prefixes.
  func add(_ weights: Weights, to rows: MatrixView, _ kernels: ModelKernels) {
    for (place, list) in zip(places, indices) {
      let table = weights[place]
      precondition(rows.rows == list.count)
      kernels.rows(rows, passes: 3) { Vector.addRows(table, indices: list.base, to: rows) }
    }
  }

  /// Adds the gradient by the rows of an input to that of the tables, row after row.
  func addGradient(_ rowGradient: MatrixView, to gradients: Gradients, _ kernels: ModelKernels) {
    for (place, list) in zip(places, indices) {
      let (table, marks) = (gradients[place], gradients.marks?.words(of: place))
      kernels.rows(rowGradient, passes: 3) {
        forEach(list, rowGradient) { row, index in
          Vector.add(row, to: table.row(index), count: rowGradient.columns)
          if let marks { marks[index / RowMarks.rowsOfWord] |= 1 << UInt64(index % RowMarks.rowsOfWord) }
        }
      }
    }
  }

  private func forEach(
    _ list: FixedList<Int32>, _ rows: MatrixView, _ body: (_ row: FloatPointer, _ index: Int) -> Void
  ) {
    precondition(rows.rows == list.count)
    for row in 0..<list.count where list.base[row] != Self.none {
      body(rows.row(row), Int(list.base[row]))
    }
  }
}
