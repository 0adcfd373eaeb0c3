/// The floats of a slice of a gradient that may not be zero, in order: of n-gram tables the marked rows, and all others.
///
/// Those that travel between nodes: every rank counts them alike, because marks are the same on all.
public struct TouchedFloats {
  /// Without a part of a table.
  private let slice: Range<Int>
  private let marks: RowMarks?
  private let isOfTables: Bool
  public let count: Int

  /// - Parameters:
  ///   - slice: without a part of a table.
  ///   - marks: nil for all floats.
  ///   - isOfTables: whether only rows of tables count.
  public init(of slice: Range<Int>, _ marks: RowMarks?, isOfTables: Bool = false) {
    (self.slice, self.marks, self.isOfTables) = (slice, marks, isOfTables)
    var count = 0
    Self.walk(slice, marks, isOfTables) { count += $0.count }
    self.count = count
  }

  /// Calls `body` with the runs of floats that lie in a piece of these, and where each starts in the piece.
  /// - Parameter piece: of 0 ..< `count`.
  public func forEachRun(in piece: Range<Int>, _ body: (_ floats: Range<Int>, _ offset: Int) -> Void) {
    var start = 0
    Self.walk(slice, marks, isOfTables) { run in
      let part = (start..<start + run.count).clamped(to: piece)
      if !part.isEmpty {
        let first = run.lowerBound + part.lowerBound - start
        body(first..<first + part.count, part.lowerBound - piece.lowerBound)
      }
      start += run.count
    }
  }

  private static func walk(
    _ slice: Range<Int>, _ marks: RowMarks?, _ isOfTables: Bool, _ body: (Range<Int>) -> Void
  ) {
    guard let marks else { return body(slice) }
    marks.tables.walk(slice) { table in
      for word in table.words { table.forEachRow(marks.words[word], ofWord: word, body) }
    } other: {
      if !isOfTables { body($0) }
    }
  }
}
