import HATKernels

/// Which rows of a module's n-gram tables are added to the rows of its input; each tile, or batch, refills it.
final class NgramRows {
  /// Where no n-gram of an order ends.
  private static let none: Int32 = -1

  private let tables: NgramTables
  /// [rows] for each table: the table's row, or `none`.
  private let indices: [FixedList<Int32>]

  /// - Parameter rows: of an input, at most.
  init(_ tables: NgramTables, rows: Int) {
    self.tables = tables
    indices = tables.places.map { _ in FixedList(capacity: rows) }
  }

  func removeAll() {
    for list in indices { list.removeAll() }
  }

  /// Appends a row where no n-gram ends.
  func appendNone() {
    for list in indices { list.append(Self.none) }
  }

  /// Appends a row for each symbol: of a word, or of a piece.
  func append<Symbols: RandomAccessCollection>(_ symbols: Symbols)
  where Symbols.Element: BinaryInteger, Symbols.Index == Int {
    guard !tables.isEmpty else { return }
    for last in symbols.indices {
      appendNone()
      tables.forEachRow(endingAt: last, of: symbols) { table, row in
        indices[table].base[indices[table].count - 1] = Int32(row)
      }
    }
  }

  /// Adds the n-grams to the rows of an input, shorter ones first.
  func add(_ weights: Weights, to rows: MatrixView, _ kernels: ModelKernels) {
    for (place, list) in zip(tables.places, indices) {
      let table = weights[place]
      kernels.rows(rows, passes: 3) {
        forEach(list, rows) { row, index in Vector.add(table.row(index), to: row, count: rows.columns) }
      }
    }
  }

  /// Adds the gradient by the rows of an input to that of the tables, row after row.
  func addGradient(_ rowGradient: MatrixView, to gradients: Gradients, _ kernels: ModelKernels) {
    for (place, list) in zip(tables.places, indices) {
      let (table, marks) = (gradients[place], gradients.marks?.words(of: place))
      kernels.rows(rowGradient, passes: 3) {
        forEach(list, rowGradient) { row, index in
          Vector.add(row, to: table.row(index), count: rowGradient.columns)
          if let marks { marks[index / 64] |= 1 << UInt64(index % 64) }
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
