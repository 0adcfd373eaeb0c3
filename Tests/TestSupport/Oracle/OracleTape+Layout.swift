extension OracleTape {
  /// Rows `indices` of a table, in that order; an index may come several times.
  public func gatherRows(_ table: OracleTensor, _ indices: [Int]) -> OracleTensor {
    let columns = table.columns
    return record(rows: indices.count, columns: columns, indices.flatMap { table.row($0) }) { output in
      for (row, index) in indices.enumerated() {
        for column in 0..<columns {
          table.gradient[index * columns + column] += output.gradient[row * columns + column]
        }
      }
    }
  }

  /// The rows of several matrices, one matrix below the other.
  public func stackRows(_ parts: [OracleTensor]) -> OracleTensor {
    let columns = parts[0].columns
    precondition(parts.allSatisfy { $0.columns == columns })
    let rows = parts.reduce(0) { $0 + $1.rows }
    return record(rows: rows, columns: columns, parts.flatMap(\.value)) { output in
      var start = 0
      for part in parts {
        for i in part.value.indices { part.gradient[i] += output.gradient[start + i] }
        start += part.value.count
      }
    }
  }

  public func columns(_ range: Range<Int>, of a: OracleTensor) -> OracleTensor {
    var value: [Double] = []
    for row in 0..<a.rows { value += range.map { a.value[row * a.columns + $0] } }
    return record(rows: a.rows, columns: range.count, value) { output in
      for row in 0..<a.rows {
        for (i, column) in range.enumerated() {
          a.gradient[row * a.columns + column] += output.gradient[row * range.count + i]
        }
      }
    }
  }

  /// The columns of several matrices, one matrix beside the other.
  public func stackColumns(_ parts: [OracleTensor]) -> OracleTensor {
    let rows = parts[0].rows
    precondition(parts.allSatisfy { $0.rows == rows })
    let columns = parts.reduce(0) { $0 + $1.columns }
    var value: [Double] = []
    for row in 0..<rows { for part in parts { value += part.row(row) } }
    return record(rows: rows, columns: columns, value) { output in
      var start = 0
      for part in parts {
        for row in 0..<rows {
          for column in 0..<part.columns {
            part.gradient[row * part.columns + column] += output.gradient[row * columns + start + column]
          }
        }
        start += part.columns
      }
    }
  }
}
