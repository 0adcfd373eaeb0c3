import Foundation
import HATKernels
import Testing

@Suite struct AttentionTests {
  /// heads, heads of keys and values, head size
  static let headShapes = [(1, 1, 2), (2, 1, 6), (4, 2, 16), (2, 2, 32), (3, 1, 20), (3, 3, 40), (6, 2, 64)]
  static let lengths = [3, 1, 8, 0, 5, 13, 2, 70]

  static var shapes: [AttentionShape] {
    headShapes.flatMap { heads, keyValueHeads, headSize in
      [true, false].map {
        AttentionShape(heads: heads, keyValueHeads: keyValueHeads, headSize: headSize, causal: $0)
      }
    }
  }

  private func random(_ rows: Int, _ columns: Int, seed: UInt64) -> TestMatrix {
    var generator = SeededGenerator(seed: seed)
    return TestMatrix(random: rows, columns, gap: 2, in: -2...2, using: &generator)
  }

  @Test func theReferenceGradientMatchesCentralDifferences() {
    for causal in [true, false] {
      let shape = AttentionShape(heads: 4, keyValueHeads: 2, headSize: 4, causal: causal)
      let reference = AttentionReference(shape: shape, lengths: [3, 1, 4])
      let qkv = random(8, shape.totalWidth, seed: 15).doubles
      let dy = random(8, shape.queryWidth, seed: 16).doubles
      let expected = centralDifferences(qkv) { innerProduct(reference.forward($0).output, dy) }
      let actual = reference.backward(qkv, outputGradient: dy)
      #expect(zip(actual.joined(), expected.joined()).allSatisfy { difference($0, $1) < 1e-8 })
    }
  }

  @Test(arguments: AttentionKernel.allCases, shapes)
  func bothPassesMatchTheReference(kernel: AttentionKernel, shape: AttentionShape) {
    let run = AttentionRun(kernel: kernel, shape: shape, lengths: Self.lengths)
    let reference = AttentionReference(shape: shape, lengths: Self.lengths)
    let rows = Self.lengths.reduce(0, +)
    let qkv = random(rows, shape.totalWidth, seed: 17)
    let dy = random(rows, shape.queryWidth, seed: 18)

    let (output, logSumExp) = run.forward(qkv)
    let expected = reference.forward(qkv.doubles)
    #expect(largestError(output, expected.output) < 3e-6)
    #expect(largestError(logSumExp, expected.logSumExp) < 3e-6)

    let gradient = run.backward(qkv, outputGradient: dy)
    #expect(largestError(gradient, reference.backward(qkv.doubles, outputGradient: dy.doubles)) < 3e-6)
    #expect(output.isIntactOutside && logSumExp.isIntactOutside && gradient.isIntactOutside)
  }

  @Test func documentsOfSeveralBlocksMatchTheReference() {
    for causal in [true, false] {
      let shape = AttentionShape(heads: 2, keyValueHeads: 1, headSize: 16, causal: causal)
      let lengths = [130, 64, 191]
      let run = AttentionRun(kernel: .documents, shape: shape, lengths: lengths)
      let reference = AttentionReference(shape: shape, lengths: lengths)
      let qkv = random(385, shape.totalWidth, seed: 19)
      let dy = random(385, shape.queryWidth, seed: 20)
      #expect(largestError(run.forward(qkv).output, reference.forward(qkv.doubles).output) < 3e-6)
      #expect(
        largestError(
          run.backward(qkv, outputGradient: dy), reference.backward(qkv.doubles, outputGradient: dy.doubles))
          < 3e-6)
    }
  }

  @Test func documentsAreTheSameInSharesOfHeads() {
    let shape = AttentionShape(heads: 6, keyValueHeads: 3, headSize: 16, causal: true)
    var generator = SeededGenerator(seed: 24)
    let qkv = TestMatrix(random: 200, shape.totalWidth, in: -2...2, using: &generator)
    let dy = TestMatrix(random: 200, shape.queryWidth, in: -2...2, using: &generator)
    let runs = [1, 2, 3].map {
      AttentionRun(kernel: .documents, shape: shape, lengths: [70, 130], shares: $0)
    }
    for run in runs.dropFirst() {
      #expect(run.forward(qkv).output.bits == runs[0].forward(qkv).output.bits)
      #expect(run.backward(qkv, outputGradient: dy).bits == runs[0].backward(qkv, outputGradient: dy).bits)
    }
  }

  @Test(
    .enabled(if: Registers.widest == .sixteenFloats, "this processor has no wider registers"),
    arguments: AttentionKernel.allCases, [true, false])
  func registersOfEightGiveTheSameBits(kernel: AttentionKernel, causal: Bool) {
    for headSize in [16, 20, 32] {
      let shape = AttentionShape(heads: 2, keyValueHeads: 1, headSize: headSize, causal: causal)
      let lengths = Array(1...9) + [16, 17, 30, 100]
      var run = AttentionRun(kernel: kernel, shape: shape, lengths: lengths)
      let rows = lengths.reduce(0, +)
      let qkv = random(rows, shape.totalWidth, seed: 25)
      let dy = random(rows, shape.queryWidth, seed: 26)
      let widest = (run.forward(qkv), run.backward(qkv, outputGradient: dy))
      run.registers = .eightFloats
      let eight = (run.forward(qkv), run.backward(qkv, outputGradient: dy))
      #expect(widest.0.output.bits == eight.0.output.bits)
      #expect(widest.0.logSumExp.bits == eight.0.logSumExp.bits)
      #expect(widest.1.bits == eight.1.bits)
    }
  }

  @Test(arguments: AttentionKernel.allCases)
  func aCausalRowDoesNotDependOnLaterRows(kernel: AttentionKernel) {
    let shape = AttentionShape(heads: 4, keyValueHeads: 2, headSize: 12, causal: true)
    let run = AttentionRun(kernel: kernel, shape: shape, lengths: [71])
    let qkv = random(71, shape.totalWidth, seed: 21)
    let before = run.forward(qkv)
    for changed in [70, 64, 33, 8, 7, 1] {
      for column in 0..<shape.totalWidth { qkv[changed, column] *= -50 }
      let after = run.forward(qkv)
      #expect(after.output.bits[..<changed] == before.output.bits[..<changed])
      #expect(after.logSumExp.bits[..<changed] == before.logSumExp.bits[..<changed])
      #expect(after.output.bits[changed] != before.output.bits[changed])
    }
  }

  @Test(arguments: AttentionKernel.allCases, [true, false])
  func aSegmentDoesNotDependOnItsNeighbours(kernel: AttentionKernel, causal: Bool) {
    let shape = AttentionShape(heads: 2, keyValueHeads: 1, headSize: 24, causal: causal)
    let together = AttentionRun(kernel: kernel, shape: shape, lengths: [4, 11, 2])
    let alone = AttentionRun(kernel: kernel, shape: shape, lengths: [11])
    let (qkv, dy) = (random(17, shape.totalWidth, seed: 22), random(17, shape.queryWidth, seed: 23))
    let ownInput = TestMatrix(11, shape.totalWidth) { qkv[$0 + 4, $1] }
    let ownGradient = TestMatrix(11, shape.queryWidth) { dy[$0 + 4, $1] }
    #expect(Array(together.forward(qkv).output.bits[4..<15]) == alone.forward(ownInput).output.bits)
    #expect(
      Array(together.backward(qkv, outputGradient: dy).bits[4..<15])
        == alone.backward(ownInput, outputGradient: ownGradient).bits)
  }

  @Test(arguments: AttentionKernel.allCases)
  func scoresFarApartStayFinite(kernel: AttentionKernel) {
    let shape = AttentionShape(heads: 1, keyValueHeads: 1, headSize: 8, causal: false)
    let run = AttentionRun(kernel: kernel, shape: shape, lengths: [9])
    let qkv = random(9, shape.totalWidth, seed: 24)
    for row in 0..<9 { for column in 0..<16 { qkv[row, column] *= 1000 } }
    let output = run.forward(qkv).output
    let gradient = run.backward(qkv, outputGradient: output)
    #expect(output.doubles.joined().allSatisfy { $0.isFinite })
    #expect(gradient.doubles.joined().allSatisfy { $0.isFinite })
  }

  @Test(arguments: AttentionKernel.allCases)
  func equalScoresSumToTheNumberOfKeys(kernel: AttentionKernel) {
    let shape = AttentionShape(heads: 1, keyValueHeads: 1, headSize: 8, causal: true)
    let logSumExp = AttentionRun(kernel: kernel, shape: shape, lengths: [256])
      .forward(TestMatrix(256, shape.totalWidth)).logSumExp
    for row in 0..<256 {
      let exact = log(Double(row + 1))
      #expect(difference(Double(logSumExp[row, 0]), exact) <= 2e-7 * max(1, exact))
    }
  }

  @Test(arguments: AttentionKernel.allCases)
  func noSegmentsNeedNothing(kernel: AttentionKernel) {
    let shape = AttentionShape(heads: 1, keyValueHeads: 1, headSize: 8, causal: true)
    let run = AttentionRun(kernel: kernel, shape: shape, lengths: [])
    #expect(run.forward(TestMatrix(0, shape.totalWidth)).output.rows == 0)
  }
}
