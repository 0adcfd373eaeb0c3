import HATKernels

/// The n-gram tables of a model: matrices of which a batch touches few rows.
public struct RowTables: Sendable {
  /// One table, and its place in the marks.
  public struct Table: Sendable {
    /// In the flat buffer.
    public let floats: Range<Int>
    public let columns: Int
    /// Of the marks: `RowMarks.rowsOfWord` rows a word.
    public let words: Range<Int>

    /// The floats of a row, in the flat buffer.
    public func floats(ofRow row: Int) -> Range<Int> {
      floats.lowerBound + row * columns..<floats.lowerBound + (row + 1) * columns
    }

    /// Calls `body` with the floats of each row that has a bit.
    /// - Parameter word: one of `words`.
    public func forEachRow(_ bits: UInt64, ofWord word: Int, _ body: (_ floats: Range<Int>) -> Void) {
      var bits = bits
      while bits != 0 {
        body(floats(ofRow: (word - words.lowerBound) * RowMarks.rowsOfWord + bits.trailingZeroBitCount))
        bits &= bits - 1
      }
    }
  }

  public let tables: [Table]

  public init(_ tensors: TensorTable) {
    var words = 0
    tables = tensors.tensors.filter { $0.role == .ngramTable }.map { tensor in
      let first = words
      words += (tensor.shape[0] + RowMarks.rowsOfWord - 1) / RowMarks.rowsOfWord
      return Table(floats: tensor.range, columns: tensor.shape[1], words: first..<words)
    }
  }

  /// Words of the marks of all tables.
  public var wordCount: Int { tables.last?.words.upperBound ?? 0 }

  /// The table that some floats of the flat buffer lie in.
  public func table(with floats: Range<Int>) -> Table? {
    tables.first { $0.floats.lowerBound <= floats.lowerBound && floats.upperBound <= $0.floats.upperBound }
  }

  /// Walks through `floats` of the flat buffer in order: calls `table` with each table, which must be whole, and `other` with
  /// what lies between.
  public func walk(
    _ floats: Range<Int>, table visit: (Table) -> Void, other: (_ floats: Range<Int>) -> Void
  ) {
    var start = floats.lowerBound
    for table in tables where floats.overlaps(table.floats) {
      precondition(
        floats.lowerBound <= table.floats.lowerBound && table.floats.upperBound <= floats.upperBound)
      if start < table.floats.lowerBound { other(start..<table.floats.lowerBound) }
      visit(table)
      start = table.floats.upperBound
    }
    if start < floats.upperBound { other(start..<floats.upperBound) }
  }
}

/// Marks of the rows of n-gram tables that a gradient may have touched: all others are zero, and need not be read, added or
/// cleared.
public struct RowMarks: @unchecked Sendable {
  public static let rowsOfWord = UInt64.bitWidth

  public let tables: RowTables
  /// [tables.wordCount], a bit a row.
  public let words: UnsafeMutablePointer<UInt64>

  /// - Parameter words: zero at first; they must outlive the marks.
  public init(_ tables: RowTables, _ words: UnsafeMutablePointer<UInt64>) {
    (self.tables, self.words) = (tables, words)
  }

  /// Adds the marks of others of the same tables.
  public func formUnion(_ other: RowMarks) {
    for word in 0..<tables.wordCount { words[word] |= other.words[word] }
  }

  /// Calls `body` with each marked row of `rows` of one of the tables, in order.
  public func forEachTouchedRow(_ rows: Range<Int>, of table: RowTables.Table, _ body: (_ row: Int) -> Void) {
    var row = rows.lowerBound
    while row < rows.upperBound {
      let (word, bit) = row.quotientAndRemainder(dividingBy: Self.rowsOfWord)
      let bits = words[table.words.lowerBound + word] >> bit
      row += min(bits.trailingZeroBitCount, Self.rowsOfWord - bit)
      if bits == 0 || row >= rows.upperBound { continue }
      body(row)
      row += 1
    }
  }

  /// Overwrites some words with those of others of the same tables.
  public func copy(_ other: RowMarks, _ range: Range<Int>) {
    (words + range.lowerBound).update(from: other.words + range.lowerBound, count: range.count)
  }

  /// The marks of one table.
  func words(of place: MatrixPlace) -> UnsafeMutablePointer<UInt64> {
    words + tables.tables.first { $0.floats.lowerBound == place.start }!.words.lowerBound
  }
}

extension Gradients {
  /// Overwrites them with zeros.
  func fillZero() {
    guard let marks else { return Vector.fillZero(floats.base, count: floats.count) }
    marks.tables.walk(floats.range) { table in
      for word in table.words where marks.words[word] != 0 {
        table.forEachRow(marks.words[word], ofWord: word) { clear($0) }
        marks.words[word] = 0
      }
    } other: {
      clear($0)
    }
  }

  /// Adds others, which have marks if these have.
  /// - Parameter part: of both, without a part of a table.
  public func add(_ other: Gradients, in part: Range<Int>) {
    func addFloats(_ range: Range<Int>) {
      Vector.add(other.floats[range].base, to: floats[range].base, count: range.count)
    }
    guard let marks, let otherMarks = other.marks else { return addFloats(part) }
    marks.tables.walk(part) { table in
      for word in table.words where otherMarks.words[word] != 0 {
        table.forEachRow(otherMarks.words[word], ofWord: word, addFloats)
        marks.words[word] |= otherMarks.words[word]
      }
    } other: {
      addFloats($0)
    }
  }

  /// Clears the rows of a slice that are marked here and not in `others`.
  public func clear(in slice: Range<Int>, except others: RowMarks) {
    guard let marks else { return }
    marks.tables.walk(slice) { table in
      for word in table.words {
        table.forEachRow(marks.words[word] & ~others.words[word], ofWord: word) { clear($0) }
      }
    } other: { _ in
    }
  }

  /// Overwrites some of them with zeros.
  public func clear(_ range: Range<Int>) { Vector.fillZero(floats[range].base, count: range.count) }
}
