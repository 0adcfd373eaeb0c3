extension Vector {
  /// Row r of `destination` [R, columns] = row `indices[r]` of `table`.
  public static func gatherRows(
    _ table: ConstantMatrixView, indices: UnsafePointer<Int32>, into destination: MatrixView
  ) {
    precondition(table.columns == destination.columns)
    for row in 0..<destination.rows {
      let index = Int(indices[row])
      precondition(index >= 0 && index < table.rows)
      destination.row(row).update(from: table.row(index), count: table.columns)
    }
  }

  /// The same from a table that is not read only.
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
    for row in 0..<source.rows {
      let index = Int(indices[row])
      precondition(index >= 0 && index < table.rows)
      table.row(index).update(from: source.row(row), count: table.columns)
    }
  }

  /// Row `indices[r]` of `table` += row r of `source` [R, columns], one row after the other.
  public static func scatterAddRows(
    _ source: MatrixView, indices: UnsafePointer<Int32>, to table: MatrixView
  ) {
    precondition(table.columns == source.columns)
    for row in 0..<source.rows {
      let index = Int(indices[row])
      precondition(index >= 0 && index < table.rows)
      add(source.row(row), to: table.row(index), count: table.columns)
    }
  }
}
