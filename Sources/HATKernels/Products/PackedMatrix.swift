import CSIMD

/// A matrix laid out once for many products as their right-hand side: panels of columns behind each other, each
/// [terms, width of the panel].
public struct PackedMatrix {
  let base: UnsafePointer<Float>
  let columns: Int
  let terms: Int

  /// Floats a packed matrix takes.
  public static func floats(columns: Int, terms: Int) -> Int {
    let whole = columns / Panel.columns * Panel.columns
    return terms * (whole + (columns > whole ? Panel.width(columns - whole) : 0))
  }

  /// Packs the transpose of weight[out, in], for `MatrixProduct.linear`.
  /// - Parameter storage: [floats(columns: out, terms: in)]
  public init(transposing weight: ConstantMatrixView, into storage: FloatPointer) {
    self.init(storage, columns: weight.rows, terms: weight.columns)
    for index in 0..<panelCount {
      let panel = self[index]
      Panel.pack(
        transposed: weight.rows(panel.columns), width: panel.width,
        into: storage + panel.columns.lowerBound * terms)
    }
  }

  /// Packs `source` [terms, columns].
  /// - Parameter storage: [floats(columns: columns, terms: terms)]
  init(_ source: ConstantMatrixView, into storage: FloatPointer) {
    self.init(storage, columns: source.columns, terms: source.rows)
    let whole = columns / Panel.columns * Panel.columns
    // A row at a time: each lies on a page of its own.
    for term in 0..<terms {
      let (row, place) = (source.row(term), storage + term * Panel.columns)
      for first in stride(from: 0, to: whole, by: Panel.columns) {
        hat_copy32(row + first, place + first * terms)
        hat_copy32(row + first + 32, place + first * terms + 32)
      }
    }
    if whole < columns {
      let panel = self[panelCount - 1]
      Panel.pack(source.columns(panel.columns), width: panel.width, into: storage + whole * terms)
    }
  }

  /// One that lies packed at `base` already.
  public init(_ base: UnsafePointer<Float>, columns: Int, terms: Int) {
    (self.base, self.columns, self.terms) = (base, columns, terms)
  }

  /// Some of the columns, where they are whole panels.
  func columns(_ range: Range<Int>) -> PackedMatrix? {
    let endsWhole = range.upperBound == columns || range.upperBound % Panel.columns == 0
    guard range.lowerBound % Panel.columns == 0 && endsWhole else { return nil }
    return PackedMatrix(base + range.lowerBound * terms, columns: range.count, terms: terms)
  }

  var panelCount: Int { (columns + Panel.columns - 1) / Panel.columns }

  subscript(panel: Int) -> Panel {
    let first = panel * Panel.columns
    let range = first..<min(first + Panel.columns, columns)
    let width = Panel.width(range.count)
    return Panel(columns: range, base: base + first * terms, width: width, rowStride: width)
  }
}
