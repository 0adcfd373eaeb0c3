import CSIMD

/// A view of a row-major matrix [rows, columns] of floats that somebody else owns.
public struct MatrixView {
  public let base: UnsafeMutablePointer<Float>
  public let rows: Int
  public let columns: Int
  /// Floats from the start of one row to the start of the next; at least `columns`.
  public let stride: Int

  public init(_ base: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int? = nil) {
    (self.base, self.rows, self.columns, self.stride) = (base, rows, columns, stride ?? columns)
    precondition(rows >= 0 && columns >= 0 && self.stride >= columns)
  }

  public func row(_ index: Int) -> UnsafeMutablePointer<Float> {
    base + index * stride
  }

  /// The rows `range` of this matrix.
  public func rows(_ range: Range<Int>) -> MatrixView {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows)
    return MatrixView(row(range.lowerBound), rows: range.count, columns: columns, stride: stride)
  }

  /// The columns `range` of this matrix.
  public func columns(_ range: Range<Int>) -> MatrixView {
    precondition(range.lowerBound >= 0 && range.upperBound <= columns)
    return MatrixView(base + range.lowerBound, rows: rows, columns: range.count, stride: stride)
  }

  /// Whether the rows follow each other without gaps.
  public var isContiguous: Bool { stride == columns || rows <= 1 }

  /// Overwrites this matrix with one of the same shape.
  public func copy(_ source: ConstantMatrixView) {
    precondition(source.rows == rows && source.columns == columns)
    if isContiguous && source.isContiguous {
      base.update(from: source.base, count: rows * columns)
    } else {
      for index in 0..<rows { row(index).update(from: source.row(index), count: columns) }
    }
  }

  /// Overwrites this matrix with one of the same shape.
  public func copy(_ source: MatrixView) { copy(source.constant) }

  /// Overwrites this matrix with the transpose of another.
  func copy(transposing source: ConstantMatrixView) {
    precondition(source.rows == columns && source.columns == rows)
    let (wholeColumns, wholeRows) = (columns & ~7, rows & ~7)
    for column in Swift.stride(from: 0, to: wholeColumns, by: 8) {
      for row in Swift.stride(from: 0, to: wholeRows, by: 8) {
        hat_transpose(source.row(column) + row, source.stride, base + row * stride + column, stride)
      }
      copy(transposing: source, wholeRows..<rows, column..<column + 8)
    }
    copy(transposing: source, 0..<rows, wholeColumns..<columns)
  }

  private func copy(transposing source: ConstantMatrixView, _ rows: Range<Int>, _ columns: Range<Int>) {
    for column in columns {
      for row in rows { base[row * stride + column] = source.row(column)[row] }
    }
  }

  /// Overwrites this matrix with zeros.
  public func fillZero() {
    for index in 0..<rows { row(index).update(repeating: 0, count: columns) }
  }

  /// The same matrix, read-only.
  public var constant: ConstantMatrixView {
    ConstantMatrixView(base, rows: rows, columns: columns, stride: stride)
  }
}

/// A read-only view of a row-major matrix [rows, columns] of floats that somebody else owns, such as a weight.
public struct ConstantMatrixView {
  public let base: UnsafePointer<Float>
  public let rows: Int
  public let columns: Int
  /// Floats from the start of one row to the start of the next; at least `columns`.
  public let stride: Int

  public init(_ base: UnsafePointer<Float>, rows: Int, columns: Int, stride: Int? = nil) {
    (self.base, self.rows, self.columns, self.stride) = (base, rows, columns, stride ?? columns)
    precondition(rows >= 0 && columns >= 0 && self.stride >= columns)
  }

  public func row(_ index: Int) -> UnsafePointer<Float> {
    base + index * stride
  }

  /// The rows `range` of this matrix.
  public func rows(_ range: Range<Int>) -> ConstantMatrixView {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows)
    return ConstantMatrixView(row(range.lowerBound), rows: range.count, columns: columns, stride: stride)
  }

  /// The columns `range` of this matrix.
  public func columns(_ range: Range<Int>) -> ConstantMatrixView {
    precondition(range.lowerBound >= 0 && range.upperBound <= columns)
    return ConstantMatrixView(base + range.lowerBound, rows: rows, columns: range.count, stride: stride)
  }

  /// Whether the rows follow each other without gaps.
  public var isContiguous: Bool { stride == columns || rows <= 1 }
}
