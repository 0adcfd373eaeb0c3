import CSIMD

/// The keys and values of one sequence in one layer, kept for later queries (a KV cache). Rows come one at a time.
///
/// Keys lie in groups of eight positions, [keyValueHeads, groups, headSize, 8], so that the products of a query with eight
/// keys are summed side by side. Values lie in rows, [positions, keyValueWidth]. The result for a query depends only on
/// the query and the rows it sees, to the last bit.
public struct KeyValueRows {
  private static let group = 8
  /// Groups that are summed at once, so that an addition does not wait for the one before it.
  private static let groupsAtOnce = 4
  /// Rows that `attend` takes at once, at most.
  public static let rowsAtOnce = 2

  private let shape: AttentionShape
  private let groups: Int
  private let keys: FloatPointer
  private let values: MatrixView

  /// The floats that they take.
  public static func floats(shape: AttentionShape, positions: Int) -> Int {
    2 * paddedToLanes(positions) * shape.keyValueWidth
  }

  /// - Parameter base: [floats(shape:positions:)]
  public init(_ base: FloatPointer, shape: AttentionShape, positions: Int) {
    self.shape = shape
    let padded = paddedToLanes(positions)
    groups = padded / Self.group
    keys = base
    values = MatrixView(base + padded * shape.keyValueWidth, rows: positions, columns: shape.keyValueWidth)
  }

  /// Keeps the keys and values of a row.
  /// - Parameter row: [(heads + 2 · keyValueHeads) · headSize], queries | keys | values, already rotated
  public func store(_ row: UnsafePointer<Float>, position: Int) {
    precondition(position < values.rows)
    for head in 0..<shape.keyValueHeads {
      let source = row + shape.queryWidth + head * shape.headSize
      let destination = group(position / Self.group, ofHead: head) + position % Self.group
      for element in 0..<shape.headSize { destination[element * Self.group] = source[element] }
    }
    values.row(position).update(from: row + shape.queryWidth + shape.keyValueWidth, count: values.columns)
  }

  /// Attention of the query heads that read one key and value head, for one row, or for two that follow each other and share
  /// the reading of keys and values: each gets the bits that it gets alone.
  /// - Parameters:
  ///   - rows: [at most `rowsAtOnce`, (heads + 2 · keyValueHeads) · headSize], queries | keys | values, already rotated
  ///   - visible: how many positions the first row sees, from the first on; at least one. The second sees one more.
  ///   - output: [rows, heads · headSize], written in the columns of those query heads
  ///   - scores: scratch, [rows, positions seen, rounded up to a multiple of 8]
  public func attend(
    _ rows: MatrixView, keyValueHead: Int, visible: Int, into output: MatrixView, scores: MatrixView
  ) {
    precondition((1...Self.rowsAtOnce).contains(rows.rows) && output.rows == rows.rows)
    let last = rows.rows - 1
    let values = values.columns(keyValueHead * shape.headSize..<(keyValueHead + 1) * shape.headSize)
    for index in shape.queryHeads(of: keyValueHead..<keyValueHead + 1) {
      let columns = index * shape.headSize..<(index + 1) * shape.headSize
      let (queries, outputs) = (rows.columns(columns), output.columns(columns))
      let groups = paddedToLanes(visible + last) / Self.group
      if last == 0 {
        multiply(queries.base, head: keyValueHead, groups: groups, into: scores.base)
      } else {
        multiply(queries, head: keyValueHead, groups: groups, into: scores)
      }
      for row in 0...last {
        let scoreRow = ScoreRow(
          scores: scores.row(row), scale: shape.scale, visible: visible + row,
          count: paddedToLanes(visible + row))
        _ = scoreRow.normalize(on: .widest)
      }
      SmallProduct.combine(
        .init(base: scores.base, rowStride: scores.stride, termStride: 1), values.rows(0..<visible),
        terms: .all, adding: false, into: outputs)
      if last > 0 {
        SmallProduct.combine(
          .init(base: scores.row(1) + visible, rowStride: 0, termStride: 1),
          values.rows(visible..<visible + 1), terms: .all, adding: true, into: outputs.rows(1..<2))
      }
    }
  }

  /// The products of a query with the keys of some groups. Groups beyond the end are replaced by the last one, so that
  /// there is no code for remainders.
  @inline(__always)
  private func multiply(_ query: FloatPointer, head: Int, groups: Int, into scores: FloatPointer) {
    for first in stride(from: 0, to: groups, by: Self.groupsAtOnce) {
      let (g1, g2, g3) = (min(first + 1, groups - 1), min(first + 2, groups - 1), min(first + 3, groups - 1))
      let (k0, k1) = (group(first, ofHead: head), group(g1, ofHead: head))
      let (k2, k3) = (group(g2, ofHead: head), group(g3, ofHead: head))
      var (s0, s1, s2, s3) = (Lanes(), Lanes(), Lanes(), Lanes())
      for element in 0..<shape.headSize {
        let (x, offset) = (Lanes(repeatingAt: query + element), element * Self.group)
        s0 = x.times(Lanes(at: k0 + offset), plus: s0)
        s1 = x.times(Lanes(at: k1 + offset), plus: s1)
        s2 = x.times(Lanes(at: k2 + offset), plus: s2)
        s3 = x.times(Lanes(at: k3 + offset), plus: s3)
      }
      s0.store(at: scores + first * Self.group)
      s1.store(at: scores + g1 * Self.group)
      s2.store(at: scores + g2 * Self.group)
      s3.store(at: scores + g3 * Self.group)
    }
  }

  /// The same for two queries.
  @inline(__always)
  private func multiply(_ queries: MatrixView, head: Int, groups: Int, into scores: MatrixView) {
    let (a, b) = (queries.row(0), queries.row(1))
    for first in stride(from: 0, to: groups, by: Self.groupsAtOnce) {
      let (g1, g2, g3) = (min(first + 1, groups - 1), min(first + 2, groups - 1), min(first + 3, groups - 1))
      let (k0, k1) = (group(first, ofHead: head), group(g1, ofHead: head))
      let (k2, k3) = (group(g2, ofHead: head), group(g3, ofHead: head))
      var (s0, s1, s2, s3) = (Lanes(), Lanes(), Lanes(), Lanes())
      var (t0, t1, t2, t3) = (Lanes(), Lanes(), Lanes(), Lanes())
      for element in 0..<shape.headSize {
        let (x, y) = (Lanes(repeatingAt: a + element), Lanes(repeatingAt: b + element))
        let offset = element * Self.group
        let (v0, v1) = (Lanes(at: k0 + offset), Lanes(at: k1 + offset))
        let (v2, v3) = (Lanes(at: k2 + offset), Lanes(at: k3 + offset))
        s0 = x.times(v0, plus: s0)
        s1 = x.times(v1, plus: s1)
        s2 = x.times(v2, plus: s2)
        s3 = x.times(v3, plus: s3)
        t0 = y.times(v0, plus: t0)
        t1 = y.times(v1, plus: t1)
        t2 = y.times(v2, plus: t2)
        t3 = y.times(v3, plus: t3)
      }
      let (c, d) = (scores.row(0), scores.row(1))
      s0.store(at: c + first * Self.group)
      s1.store(at: c + g1 * Self.group)
      s2.store(at: c + g2 * Self.group)
      s3.store(at: c + g3 * Self.group)
      t0.store(at: d + first * Self.group)
      t1.store(at: d + g1 * Self.group)
      t2.store(at: d + g2 * Self.group)
      t3.store(at: d + g3 * Self.group)
    }
  }

  @inline(__always)
  private func group(_ index: Int, ofHead head: Int) -> FloatPointer {
    keys + (head * groups + index) * shape.headSize * Self.group
  }
}
