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
          qkv.view.row(row), keyValueHead: head, visible: row + 1, into: output.view.row(row),
          scores: scores.pointer)
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
            qkv.view.row(row), keyValueHead: head, visible: row + 1, into: output.view.row(row),
            scores: scores.pointer)
        }
      }
      return output.bits
    }
    #expect(outputs(storingFirst: true) == outputs(storingFirst: false))
  }
}
