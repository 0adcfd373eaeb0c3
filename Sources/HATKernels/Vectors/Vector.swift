import CSIMD

/// Sums, copies and checks of flat float buffers, and of rows chosen by index.
public enum Vector {
  /// destination += source, [count].
  public static func add(_ source: UnsafePointer<Float>, to destination: FloatPointer, count: Int) {
    sum(source, destination, into: destination, count: count)
  }

  /// c = a + b, [count]; `c` may be `a` or `b`.
  public static func sum(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into c: FloatPointer, count: Int
  ) {
    LaneLoop.forEach(count) { offset, access in
      access.store(access.load(a + offset) + access.load(b + offset), c + offset)
    }
  }

  /// x ← factor · x + otherFactor · other, [count].
  public static func combine(
    _ x: FloatPointer, factor: Float, other: UnsafePointer<Float>, otherFactor: Float, count: Int
  ) {
    let (factor, otherFactor) = (Lanes(repeating: factor), Lanes(repeating: otherFactor))
    LaneLoop.forEach(count) { offset, access in
      let added = access.load(other + offset) * otherFactor
      access.store(access.load(x + offset).times(factor, plus: added), x + offset)
    }
  }

  /// x ← factor · x, [count].
  public static func scale(_ x: FloatPointer, by factor: Float, count: Int) {
    let factor = Lanes(repeating: factor)
    LaneLoop.forEach(count) { offset, access in access.store(access.load(x + offset) * factor, x + offset) }
  }

  public static func fillZero(_ destination: FloatPointer, count: Int) {
    destination.update(repeating: 0, count: count)
  }

  /// Σ x², accumulated in double precision in an order that depends on `count` alone.
  public static func sumOfSquares(_ x: UnsafePointer<Float>, count: Int) -> Double {
    var sum = SumOfSquares()
    sum.add(x, count: count)
    return sum.value
  }

  /// Whether no element is infinite or NaN.
  public static func allFinite(_ x: UnsafePointer<Float>, count: Int) -> Bool {
    // 0 · x is 0 for every finite x and NaN for all others, and a sum that has met a NaN stays NaN.
    var (a, b, c, d) = (Lanes(), Lanes(), Lanes(), Lanes())
    let zero = Lanes()
    let blocked = count & ~31
    var offset = 0
    while offset < blocked {
      a = Lanes(at: x + offset).times(zero, plus: a)
      b = Lanes(at: x + offset + 8).times(zero, plus: b)
      c = Lanes(at: x + offset + 16).times(zero, plus: c)
      d = Lanes(at: x + offset + 24).times(zero, plus: d)
      offset += 32
    }
    LaneLoop.forEach(count - blocked) { tail, access in
      a = access.load(x + blocked + tail).times(zero, plus: a)
    }
    return ((a + b) + (c + d)).total == 0
  }
}

extension Vector {
  /// Row r of `destination` [R, columns] = row `indices[r]` of `table`, for example the embeddings of tokens.
  public static func gatherRows(
    _ table: ConstantMatrixView, indices: UnsafePointer<Int32>, into destination: MatrixView
  ) {
    precondition(table.columns == destination.columns)
    forEachIndex(indices, count: destination.rows, below: table.rows) { row, index in
      destination.row(row).update(from: table.row(index), count: table.columns)
    }
  }

  /// The same, for a table that is not a weight.
  public static func gatherRows(
    _ table: MatrixView, indices: UnsafePointer<Int32>, into destination: MatrixView
  ) {
    gatherRows(table.constant, indices: indices, into: destination)
  }

  /// Row `indices[r]` of `table` = row r of `source` [R, columns].
  public static func scatterRows(
    _ source: MatrixView, indices: UnsafePointer<Int32>, into table: MatrixView
  ) {
    precondition(table.columns == source.columns)
    forEachIndex(indices, count: source.rows, below: table.rows) { row, index in
      table.row(index).update(from: source.row(row), count: table.columns)
    }
  }

  /// Row `indices[r]` of `table` += row r of `source` [R, columns], in the order of the rows.
  public static func scatterAddRows(
    _ source: MatrixView, indices: UnsafePointer<Int32>, to table: MatrixView
  ) {
    precondition(table.columns == source.columns)
    forEachIndex(indices, count: source.rows, below: table.rows) { row, index in
      add(source.row(row), to: table.row(index), count: table.columns)
    }
  }

  /// How many rows ahead `addRows` fetches: the rows of a large table come from memory, each from a page of its own.
  private static let rowsAhead = 8

  /// Row r of `destination` [R, columns] += row `indices[r]` of `table`, where that is not negative.
  public static func addRows(
    _ table: ConstantMatrixView, indices: UnsafePointer<Int32>, to destination: MatrixView
  ) {
    precondition(table.columns == destination.columns)
    let rows = destination.rows
    func fetch(_ row: Int) {
      if row < rows && indices[row] >= 0 { hat_prefetch(table.row(Int(indices[row])), table.columns) }
    }
    for row in 0..<rowsAhead { fetch(row) }
    for row in 0..<rows {
      fetch(row + rowsAhead)
      let index = Int(indices[row])
      guard index >= 0 else { continue }
      precondition(index < table.rows)
      add(table.row(index), to: destination.row(row), count: table.columns)
    }
  }

  @inline(__always)
  private static func forEachIndex(
    _ indices: UnsafePointer<Int32>, count: Int, below limit: Int, _ body: (_ row: Int, _ index: Int) -> Void
  ) {
    for row in 0..<count {
      let index = Int(indices[row])
      precondition(index >= 0 && index < limit)
      body(row, index)
    }
  }
}
