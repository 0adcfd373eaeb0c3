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

  /// Attention of the query heads that read one key and value head.
  /// - Parameters:
  ///   - row: [(heads + 2 · keyValueHeads) · headSize], queries | keys | values, already rotated
  ///   - visible: how many positions the queries see, from the first on; at least one
  ///   - output: [heads · headSize], written in the columns of those query heads
  ///   - scores: scratch, [visible, rounded up to a multiple of 8]
  public func attend(
    _ row: FloatPointer, keyValueHead: Int, visible: Int, into output: FloatPointer, scores: FloatPointer
  ) {
    for index in shape.queryHeads(of: keyValueHead..<keyValueHead + 1) {
      let column = index * shape.headSize
      multiply(row + column, head: keyValueHead, groups: paddedToLanes(visible) / Self.group, into: scores)
      let scoreRow = ScoreRow(
        scores: scores, scale: shape.scale, visible: visible, count: paddedToLanes(visible))
      _ = scoreRow.normalize(on: .widest)
      let own = keyValueHead * shape.headSize..<(keyValueHead + 1) * shape.headSize
      SmallProduct.combine(
        .init(base: scores, rowStride: 0, termStride: 1), values.rows(0..<visible).columns(own), terms: .all,
        adding: false, into: MatrixView(output + column, rows: 1, columns: shape.headSize))
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

  @inline(__always)
  private func group(_ index: Int, ofHead head: Int) -> FloatPointer {
    keys + (head * groups + index) * shape.headSize * Self.group
  }
}
