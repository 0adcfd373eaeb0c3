import HATKernels
import Testing

/// Attention of first rows alone against that of all rows.
@Suite struct LeadingAttentionTests {
  static let lengths = [3, 1, 8, 5, 13, 2, 70]
  static let firstRows = lengths.reduce(into: [0]) { $0.append($0.last! + $1) }.dropLast().map { $0 }

  static let shapes = [(1, 1, 2), (2, 1, 6), (4, 2, 16), (2, 2, 32), (3, 3, 40)].map {
    AttentionShape(heads: $0, keyValueHeads: $1, headSize: $2, causal: false)
  }

  @Test(arguments: shapes)
  func bothPassesMatchAttentionOfAllRows(shape: AttentionShape) {
    var generator = SeededGenerator(seed: 23)
    let (rows, segmentCount) = (Self.lengths.reduce(0, +), Self.lengths.count)
    let qkv = TestMatrix(random: rows, shape.totalWidth, gap: 2, in: -2...2, using: &generator)
    let dy = TestMatrix(random: segmentCount, shape.queryWidth, gap: 1, in: -2...2, using: &generator)
    let all = AttentionRun(kernel: .words, shape: shape, lengths: Self.lengths)
    let everywhere = TestMatrix(rows, shape.queryWidth)
    for (segment, row) in Self.firstRows.enumerated() {
      for column in 0..<shape.queryWidth { everywhere[row, column] = dy[segment, column] }
    }

    let output = TestMatrix(segmentCount, shape.queryWidth, gap: 3) { _, _ in .nan }
    let gradient = TestMatrix(rows, shape.totalWidth, gap: 1) { _, _ in .nan }
    let scratch = TestMatrix(1, LeadingAttention.scratchCount(longestSegment: 70)) { _, _ in .nan }
    withSegments(Self.lengths) { segments in
      LeadingAttention.forward(
        qkv.view, segments: segments, shape: shape, into: output.view, scratch: scratch.pointer)
      LeadingAttention.backward(
        qkv.view, segments: segments, shape: shape, outputGradient: dy.view, into: gradient.view,
        scratch: scratch.pointer)
    }

    let expected = all.forward(qkv).output.doubles
    #expect(largestError(output, Self.firstRows.map { expected[$0] }) < 2e-6)
    #expect(largestError(gradient, all.backward(qkv, outputGradient: everywhere).doubles) < 5e-6)
    #expect(output.isIntactOutside && gradient.isIntactOutside && scratch.isIntactOutside)
  }
}
