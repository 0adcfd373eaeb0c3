import HATKernels
import Testing

/// Attention of rows that come one at a time, over keys and values kept before.
@Suite struct KeyValueRowsTests {
  static let shapes = [(1, 1, 2), (2, 1, 6), (4, 2, 16), (2, 2, 32), (3, 3, 40), (6, 2, 64)].map {
    AttentionShape(heads: $0, keyValueHeads: $1, headSize: $2, causal: true)
  }

  @Test(arguments: shapes)
  func rowsOneAtATimeMatchTheDefinition(shape: AttentionShape) {
    var generator = SeededGenerator(seed: 31)
    let (rows, positions) = (45, 51)
    let qkv = TestMatrix(random: rows, shape.totalWidth, gap: 2, in: -2...2, using: &generator)
    let output = TestMatrix(rows, shape.queryWidth, gap: 3) { _, _ in .nan }
    // What another sequence has left behind must not be seen.
    let kept = TestMatrix(1, KeyValueRows.floats(shape: shape, positions: positions)) { _, _ in .nan }
    let scores = TestMatrix(1, (positions + 7) / 8 * 8) { _, _ in .nan }
    let cache = KeyValueRows(kept.pointer, shape: shape, positions: positions)
    for row in 0..<rows {
      cache.store(qkv.view.row(row), position: row)
      for head in 0..<shape.keyValueHeads {
        cache.attend(
          qkv.view.rows(row..<row + 1), keyValueHead: head, visible: row + 1,
          into: output.view.rows(row..<row + 1), scores: scores.view)
      }
    }
    let reference = AttentionReference(shape: shape, lengths: [rows])
    #expect(largestError(output, reference.forward(qkv.doubles).output) < 2e-6)
    #expect(output.isIntactOutside && kept.isIntactOutside && scores.isIntactOutside)
  }

  /// A sequence is often read whole before it is gone on with: later rows must not show in earlier ones.
  @Test func laterRowsAreNotSeen() {
    let shape = AttentionShape(heads: 4, keyValueHeads: 2, headSize: 16, causal: true)
    var generator = SeededGenerator(seed: 32)
    let qkv = TestMatrix(random: 30, shape.totalWidth, in: -2...2, using: &generator)
    func outputs(storingFirst: Bool) -> [[UInt32]] {
      let output = TestMatrix(30, shape.queryWidth)
      let kept = TestMatrix(1, KeyValueRows.floats(shape: shape, positions: 30))
      let scores = TestMatrix(1, 32)
      let cache = KeyValueRows(kept.pointer, shape: shape, positions: 30)
      if storingFirst { for row in 0..<30 { cache.store(qkv.view.row(row), position: row) } }
      for row in 0..<30 {
        cache.store(qkv.view.row(row), position: row)
        for head in 0..<2 {
          cache.attend(
            qkv.view.rows(row..<row + 1), keyValueHead: head, visible: row + 1,
            into: output.view.rows(row..<row + 1), scores: scores.view)
        }
      }
      return output.bits
    }
    #expect(outputs(storingFirst: true) == outputs(storingFirst: false))
  }

  /// Pairs begin at even and at odd positions, at the ends of groups of keys too.
  @Test(arguments: shapes)
  func twoRowsGetTheBitsOfEachAlone(shape: AttentionShape) {
    let rows = 45
    var generator = SeededGenerator(seed: 33)
    let qkv = TestMatrix(random: rows, shape.totalWidth, gap: 2, in: -2...2, using: &generator)
    let kept = TestMatrix(1, KeyValueRows.floats(shape: shape, positions: rows)) { _, _ in .nan }
    let cache = KeyValueRows(kept.pointer, shape: shape, positions: rows)
    for row in 0..<rows { cache.store(qkv.view.row(row), position: row) }
    func outputs(_ rows: Range<Int>) -> [[UInt32]] {
      let output = TestMatrix(rows.count, shape.queryWidth, gap: 3) { _, _ in .nan }
      let scores = TestMatrix(rows.count, 48, gap: 5) { _, _ in .nan }
      for head in 0..<shape.keyValueHeads {
        cache.attend(
          qkv.view.rows(rows), keyValueHead: head, visible: rows.lowerBound + 1, into: output.view,
          scores: scores.view)
      }
      #expect(output.isIntactOutside && scores.isIntactOutside)
      return output.bits
    }
    for row in 0..<rows - 1 {
      #expect(outputs(row..<row + 2) == outputs(row..<row + 1) + outputs(row + 1..<row + 2))
    }
  }
}
