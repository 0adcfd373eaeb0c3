import CSIMD
import CWide

/// Matrix products of a few rows, as attention inside words needs: two rows at a time in eight registers. Rows beyond the
/// end are replaced by the last one, so that there is no code for remainders.
enum SmallProduct {
  /// c[i, j] = a_i · b_j; if `fromRow`, only elements with j ≥ i, as nobody reads the others. The rows of c are padded to
  /// whole registers.
  ///
  /// An element is the same sum in the same order for any number of rows.
  @inline(__always)
  static func dots(
    _ a: MatrixView, _ b: MatrixView, fromRow: Bool, into c: MatrixView, on registers: Registers
  ) {
    let width = a.columns
    if registers == .sixteenFloats && width % 8 == 0 {
      return hat_wide_dots(
        a.base, a.stride, a.rows, b.base, b.stride, b.rows, width, fromRow, c.base, c.stride)
    }
    var row = 0
    while row < a.rows {
      let second = min(row + 1, a.rows - 1)
      let (a0, a1) = (a.row(row), a.row(second))
      var column = fromRow ? row & ~7 : 0
      while column < b.rows {
        let needsLow = !fromRow || row < column + 4
        let low = needsLow ? dots(a0, a1, b, column, width: width) : Lanes()
        let high = column + 4 < b.rows ? dots(a0, a1, b, column + 4, width: width) : Lanes()
        hat_low_halves(low, high).store(at: c.row(row) + column)
        hat_high_halves(low, high).store(at: c.row(second) + column)
        column += 8
      }
      row += 2
    }
  }

  /// The products of two rows with rows `first` … `first + 3` of b: those of the first row in lanes 0–3, those of the second
  /// in lanes 4–7.
  @inline(__always)
  private static func dots(
    _ a0: FloatPointer, _ a1: FloatPointer, _ b: MatrixView, _ first: Int, width: Int
  ) -> Lanes {
    let last = b.rows - 1
    let (b0, b1) = (b.row(first), b.row(min(first + 1, last)))
    let (b2, b3) = (b.row(min(first + 2, last)), b.row(min(first + 3, last)))
    var (s0, s1, s2, s3) = (Lanes(), Lanes(), Lanes(), Lanes())
    var (t0, t1, t2, t3) = (Lanes(), Lanes(), Lanes(), Lanes())
    LaneLoop.forEach(width) { offset, access in
      let (x, y) = (access.load(a0 + offset), access.load(a1 + offset))
      let (k0, k1) = (access.load(b0 + offset), access.load(b1 + offset))
      let (k2, k3) = (access.load(b2 + offset), access.load(b3 + offset))
      s0 = x.times(k0, plus: s0)
      s1 = x.times(k1, plus: s1)
      s2 = x.times(k2, plus: s2)
      s3 = x.times(k3, plus: s3)
      t0 = y.times(k0, plus: t0)
      t1 = y.times(k1, plus: t1)
      t2 = y.times(k2, plus: t2)
      t3 = y.times(k3, plus: t3)
    }
    return hat_sums(s0, s1, s2, s3, t0, t1, t2, t3)
  }
}

extension SmallProduct {
  /// Which terms of a sum over the rows of a segment may differ from zero.
  enum Terms {
    case all
    /// Term k of row i only for k ≤ i.
    case upToRow
    /// Term k of row i only for k ≥ i.
    case fromRow
  }

  /// How weights w[i, k] lie in memory.
  struct Weights {
    let base: FloatPointer
    let rowStride: Int
    let termStride: Int
  }

  /// c_i = Σ_k w[i, k] · b_k, or added to c_i. Weights that `terms` leaves out must be zero: of a pair of rows, the one
  /// with fewer terms also sums those of the other.
  @inline(__always)
  static func combine(
    _ weights: Weights, _ b: MatrixView, terms: Terms, adding: Bool, into c: MatrixView
  ) {
    var row = 0
    while row < c.rows {
      let second = min(row + 1, c.rows - 1)
      let range: Range<Int> =
        switch terms {
        case .all: 0..<b.rows
        case .upToRow: 0..<second + 1
        case .fromRow: row..<b.rows
        }
      combineRows(
        weights.base + row * weights.rowStride, weights.base + second * weights.rowStride,
        weights.termStride, b, range, adding: adding, into: c.row(row), c.row(second))
      row += 2
    }
  }

  @inline(__always)
  private static func combineRows(
    _ w0: FloatPointer, _ w1: FloatPointer, _ termStride: Int, _ b: MatrixView, _ terms: Range<Int>,
    adding: Bool, into c0: FloatPointer, _ c1: FloatPointer
  ) {
    let blocked = b.columns & ~31
    var column = 0
    while column < blocked {
      var (s0, s1, s2, s3) = (Lanes(), Lanes(), Lanes(), Lanes())
      var (t0, t1, t2, t3) = (Lanes(), Lanes(), Lanes(), Lanes())
      if adding {
        (s0, s1) = (Lanes(at: c0 + column), Lanes(at: c0 + column + 8))
        (s2, s3) = (Lanes(at: c0 + column + 16), Lanes(at: c0 + column + 24))
        (t0, t1) = (Lanes(at: c1 + column), Lanes(at: c1 + column + 8))
        (t2, t3) = (Lanes(at: c1 + column + 16), Lanes(at: c1 + column + 24))
      }
      for term in terms {
        let values = b.row(term) + column
        let x = Lanes(repeatingAt: w0 + term * termStride)
        let y = Lanes(repeatingAt: w1 + term * termStride)
        let (v0, v1) = (Lanes(at: values), Lanes(at: values + 8))
        let (v2, v3) = (Lanes(at: values + 16), Lanes(at: values + 24))
        s0 = x.times(v0, plus: s0)
        s1 = x.times(v1, plus: s1)
        s2 = x.times(v2, plus: s2)
        s3 = x.times(v3, plus: s3)
        t0 = y.times(v0, plus: t0)
        t1 = y.times(v1, plus: t1)
        t2 = y.times(v2, plus: t2)
        t3 = y.times(v3, plus: t3)
      }
      s0.store(at: c0 + column)
      s1.store(at: c0 + column + 8)
      s2.store(at: c0 + column + 16)
      s3.store(at: c0 + column + 24)
      t0.store(at: c1 + column)
      t1.store(at: c1 + column + 8)
      t2.store(at: c1 + column + 16)
      t3.store(at: c1 + column + 24)
      column += 32
    }
    LaneLoop.forEach(b.columns - blocked) { offset, access in
      let (first, second) = (c0 + blocked + offset, c1 + blocked + offset)
      var s = adding ? access.load(first) : Lanes()
      var t = adding ? access.load(second) : Lanes()
      for term in terms {
        let values = access.load(b.row(term) + blocked + offset)
        s = Lanes(repeatingAt: w0 + term * termStride).times(values, plus: s)
        t = Lanes(repeatingAt: w1 + term * termStride).times(values, plus: t)
      }
      access.store(s, first)
      access.store(t, second)
    }
  }
}
