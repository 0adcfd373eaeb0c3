/// One side of a product: a matrix as *lines* of terms, which are rows of the left-hand side, or columns of the right-hand
/// side.
struct ProductOperand {
  let matrix: ConstantMatrixView
  /// Whether a row of the matrix is a line. Otherwise a row is one term of all lines.
  let rowsAreLines: Bool

  /// Of a matrix [lines, terms].
  static func rows(_ matrix: ConstantMatrixView) -> Self { Self(matrix: matrix, rowsAreLines: true) }
  /// Of a matrix [terms, lines].
  static func columns(_ matrix: ConstantMatrixView) -> Self { Self(matrix: matrix, rowsAreLines: false) }

  var lines: Int { rowsAreLines ? matrix.rows : matrix.columns }
  var terms: Int { rowsAreLines ? matrix.columns : matrix.rows }

  /// Where one element lies.
  func element(line: Int, term: Int) -> UnsafePointer<Float> {
    rowsAreLines ? matrix.row(line) + term : matrix.row(term) + line
  }

  func lines(_ range: Range<Int>) -> ProductOperand {
    ProductOperand(
      matrix: rowsAreLines ? matrix.rows(range) : matrix.columns(range), rowsAreLines: rowsAreLines)
  }

  func terms(_ range: Range<Int>) -> ProductOperand {
    ProductOperand(
      matrix: rowsAreLines ? matrix.columns(range) : matrix.rows(range), rowsAreLines: rowsAreLines)
  }
}
