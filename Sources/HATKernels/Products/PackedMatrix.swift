import CBrainFloat
import CSIMD
import CXSMM

/// A few columns of a product's right-hand matrix as the kernels read them: [terms, width], rows `rowStride` floats apart.
/// Columns beyond the matrix are zero.
struct Panel {
  /// The most columns of a panel, a multiple of 32: four registers of the kernels.
  static let columns = 4 * Int(hat_product_lanes())
  /// The most terms of a panel packed for one product: it stays in the second-level cache.
  static let terms = 512

  /// Which columns of the matrix it holds.
  let columns: Range<Int>
  let base: UnsafePointer<Float>
  let width: Int
  let rowStride: Int

  /// How many columns to compute to have `columns` of them. LIBXSMM would sum a remainder of one register of sixteen in
  /// several chains, so the narrowest panel has 32.
  static func width(_ columns: Int) -> Int {
    max(32, (columns + 15) & ~15)
  }

  /// The panel from a term on.
  func dropping(terms: Int) -> Panel {
    Panel(columns: columns, base: base + terms * rowStride, width: width, rowStride: rowStride)
  }

  /// Packs `source` [terms, columns].
  static func pack(_ source: ConstantMatrixView, width: Int, into panel: FloatPointer) {
    for term in 0..<source.rows {
      let row = panel + term * width
      row.update(from: source.row(term), count: source.columns)
      clear(row, from: source.columns, to: width)
    }
  }

  /// Packs `source` [columns, terms], transposing it.
  static func pack(transposed source: ConstantMatrixView, width: Int, into panel: FloatPointer) {
    MatrixView(panel, rows: source.columns, columns: source.rows, stride: width).copy(transposing: source)
    if source.rows < width {
      for term in 0..<source.columns { clear(panel + term * width, from: source.rows, to: width) }
    }
  }

  @inline(__always)
  private static func clear(_ row: FloatPointer, from start: Int, to end: Int) {
    if start < end { (row + start).update(repeating: 0, count: end - start) }
  }
}

/// A matrix packed once as the right-hand side of many products: panels of columns behind each other, each
/// [terms, width of the panel]; in bf16 pairs of terms, [pairs, width of the panel], in half the memory.
public struct PackedMatrix {
  let base: UnsafePointer<Float>
  let columns: Int
  let terms: Int
  public let precision: Precision

  /// The floats of memory that a packed matrix takes.
  public static func floats(columns: Int, terms: Int, in precision: Precision = .float32) -> Int {
    switch precision {
    case .float32:
      let whole = columns / Panel.columns * Panel.columns
      return terms * (whole + (columns > whole ? Panel.width(columns - whole) : 0))
    case .bf16: return (terms + 1) / 2 * ((columns + 15) & ~15)
    }
  }

  /// Packs the transpose of weight[out, in], for `MatrixProduct.linear` by an arithmetic of the same precision.
  /// - Parameter storage: [floats(columns: out, terms: in, in: precision)]
  public init(
    transposing weight: ConstantMatrixView, in precision: Precision = .float32, into storage: FloatPointer
  ) {
    self.init(storage, columns: weight.rows, terms: weight.columns, in: precision)
    guard precision == .float32 else {
      PairPanels(.rows(weight), into: pairs, ProductArithmetic.ofFewRows(.bf16).instructions.pairsWay)
      return
    }
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
    // Row by row: each lies on a page of its own.
    for term in 0..<terms {
      let (row, place) = (source.row(term), storage + term * Panel.columns)
      for first in stride(from: 0, to: whole, by: Panel.columns) {
        for column in stride(from: 0, to: Panel.columns, by: 32) {
          hat_copy32(row + first + column, place + first * terms + column)
        }
      }
    }
    if whole < columns {
      let panel = self[panelCount - 1]
      Panel.pack(source.columns(panel.columns), width: panel.width, into: storage + whole * terms)
    }
  }

  /// A matrix that lies packed at `base` already.
  public init(_ base: UnsafePointer<Float>, columns: Int, terms: Int, in precision: Precision = .float32) {
    (self.base, self.columns, self.terms, self.precision) = (base, columns, terms, precision)
  }

  /// In bf16: the panels.
  var panels: PairPanels { PairPanels(packed: pairs, pairs: (terms + 1) / 2, columns: columns) }

  private var pairs: UnsafeMutablePointer<UInt32> {
    UnsafeMutableRawPointer(mutating: base).assumingMemoryBound(to: UInt32.self)
  }

  /// Some of the columns, or `nil` if they are not whole panels.
  func columns(_ range: Range<Int>) -> PackedMatrix? {
    let isFloats = precision == .float32
    let panel = isFloats ? Panel.columns : Int(HAT_PAIRS_COLUMNS)
    let endsWhole = range.upperBound == columns || range.upperBound % panel == 0
    guard range.lowerBound % panel == 0 && endsWhole else { return nil }
    let floatsOfColumn = isFloats ? terms : (terms + 1) / 2
    return PackedMatrix(
      base + range.lowerBound * floatsOfColumn, columns: range.count, terms: terms, in: precision)
  }

  var panelCount: Int { (columns + Panel.columns - 1) / Panel.columns }

  subscript(panel: Int) -> Panel {
    let first = panel * Panel.columns
    let range = first..<min(first + Panel.columns, columns)
    let width = Panel.width(range.count)
    return Panel(columns: range, base: base + first * terms, width: width, rowStride: width)
  }
}
