import CBrainFloat

/// Products of factors rounded to bfloat16, whose sums are floats.
///
/// An element is one chain of sums over pairs of terms, the second of each pair first:
///
///     c ← (c + a₁b₁) + a₀b₀
///
/// A product of two bfloat16 is exact, however small: only sums are rounded. Denormal factors and sums count as
/// zero. VDPBF16PS does this (Intel, "Intel Architecture Instruction Set Extensions and Future Features",
/// VDPBF16PS), and so do fused multiply-adds of converted factors: both give the same bits.
enum PairProduct {
  /// The most terms and rows of one run: a packed block of rows stays in the second-level cache.
  static let (terms, rows) = (768, 240)

  /// c[rows, columns] = left · right, or added to c.
  static func multiply(
    _ left: ProductOperand, _ right: ProductOperand, adding: Bool, _ c: MatrixView, by way: hat_pairs_way
  ) {
    precondition(left.terms == right.terms && left.lines == c.rows && right.lines == c.columns)
    guard c.rows > 0 && c.columns > 0 else { return }
    guard left.terms > 0 else { return adding ? () : c.fillZero() }
    let scratch = PairScratch.ofThread
    Blocks.forEach(left.terms, by: terms) { terms in
      Blocks.forEach(c.columns, by: PairScratch.columns(terms: terms.count)) { columns in
        let panels = PairPanels(right.lines(columns).terms(terms), into: scratch.right, way)
        Blocks.forEach(c.rows, by: rows) { rows in
          let block = PairRows(left.lines(rows).terms(terms), into: scratch.left, way)
          block.multiply(
            panels, adding: adding || terms.lowerBound > 0, into: c.rows(rows).columns(columns), way)
        }
      }
    }
  }
}

extension ProductInstructions {
  /// How they multiply pairs.
  var pairsWay: hat_pairs_way {
    self == .brainFloatPairs ? HAT_PAIRS_BY_INSTRUCTION : HAT_PAIRS_BY_CONVERSION
  }
}

extension PairProduct {
  /// c[rows, columns] = left · packed, or added to c.
  static func multiply(
    _ left: ProductOperand, times packed: PackedMatrix, adding: Bool, _ c: MatrixView, by way: hat_pairs_way
  ) {
    precondition(left.terms == packed.terms && left.lines == c.rows && packed.columns == c.columns)
    let scratch = PairScratch.ofThread
    Blocks.forEach(left.terms, by: terms) { terms in
      Blocks.forEach(c.rows, by: rows) { rows in
        PairRows(left.lines(rows).terms(terms), into: scratch.left, way).multiply(
          packed.panels, from: terms.lowerBound / 2, adding: adding || terms.lowerBound > 0,
          into: c.rows(rows), way)
      }
    }
  }
}

/// Some columns of a right-hand side, packed: panels of 64 columns behind each other, each [pairs, columns].
struct PairPanels {
  private let base: UnsafeMutablePointer<UInt32>
  private let pairs: Int
  private let columns: Int

  /// What lies packed at `base` already.
  init(packed base: UnsafeMutablePointer<UInt32>, pairs: Int, columns: Int) {
    (self.base, self.pairs, self.columns) = (base, pairs, columns)
  }

  @discardableResult
  init(_ source: ProductOperand, into base: UnsafeMutablePointer<UInt32>, _ way: hat_pairs_way) {
    (self.base, pairs, columns) = (base, (source.terms + 1) / 2, source.lines)
    let matrix = source.matrix
    guard source.rowsAreLines else {
      hat_pairs_pack_columns(
        way, matrix.base, matrix.stride, columns, source.terms, Int(HAT_PAIRS_COLUMNS), base)
      return
    }
    forEachPanel { columns, panel in
      hat_pairs_pack_transposed(
        way, matrix.row(columns.lowerBound), matrix.stride, columns.count, source.terms, panel)
    }
  }

  /// Calls `body` for each panel, from the pair of terms `first` on.
  @inline(__always)
  func forEachPanel(
    from first: Int = 0,
    _ body: (_ columns: Range<Int>, _ panel: UnsafeMutablePointer<UInt32>) -> Void
  ) {
    Blocks.forEach(columns, by: Int(HAT_PAIRS_COLUMNS)) { columns in
      let width = (columns.count + 15) & ~15
      body(columns, base + columns.lowerBound * pairs + first * width)
    }
  }
}

/// Some rows of a left-hand side, packed: [rows, pairs], or, if the source is transposed, panels of sixteen rows behind each
/// other, each [pairs, 16].
private struct PairRows {
  private let base: UnsafeMutablePointer<UInt32>
  private let rows: Int
  private let pairs: Int
  private let isTransposed: Bool

  init(_ source: ProductOperand, into base: UnsafeMutablePointer<UInt32>, _ way: hat_pairs_way) {
    (self.base, rows, pairs) = (base, source.lines, (source.terms + 1) / 2)
    isTransposed = !source.rowsAreLines
    let matrix = source.matrix
    if isTransposed {
      hat_pairs_pack_columns(
        way, matrix.base, matrix.stride, rows, source.terms, Int(HAT_PAIRS_ROWS), base)
    } else {
      hat_pairs_pack_rows(way, matrix.base, matrix.stride, rows, source.terms, base)
    }
  }

  /// c[rows, columns] = rows · panels, whose pairs begin with `first`, or added to c.
  func multiply(
    _ panels: PairPanels, from first: Int = 0, adding: Bool, into c: MatrixView, _ way: hat_pairs_way
  ) {
    panels.forEachPanel(from: first) { columns, panel in
      let c = c.columns(columns)
      guard isTransposed else {
        return hat_pairs_multiply(
          way, base, pairs, 1, rows, pairs, panel, c.columns, c.base, c.stride, adding)
      }
      let size = Int(HAT_PAIRS_ROWS)
      Blocks.forEach(rows, by: size) { rows in
        hat_pairs_multiply(
          way, base + rows.lowerBound * pairs, 1, size, rows.count, pairs, panel, c.columns,
          c.row(rows.lowerBound), c.stride, adding)
      }
    }
  }
}
