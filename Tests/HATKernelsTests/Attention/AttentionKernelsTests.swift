import CXSMM
import HATKernels
import Testing

/// LIBXSMM keeps every kernel until the process ends: documents of many lengths must share them.
@Suite struct AttentionKernelsTests {
  /// In a process of its own, where nothing else makes kernels.
  @Test func theirNumberDoesNotGrowWithTheLengthsOfDocuments() async {
    await #expect(processExitsWith: .success) {
      let longest = 600
      let shape = AttentionShape(heads: 1, keyValueHeads: 1, headSize: 64, causal: true)
      let (qkv, output) = (TestMatrix(longest, shape.totalWidth), TestMatrix(longest, shape.queryWidth))
      let (gradient, logSumExp) = (TestMatrix(longest, shape.totalWidth), TestMatrix(longest, shape.heads))
      let scratch = TestMatrix(1, DocumentAttention.scratchCount(shape: shape, longestSegment: longest))
      for length in 1...longest {
        withSegments([length]) { segments in
          DocumentAttention.forward(
            qkv.view, segments: segments, longestSegment: longest, shape: shape, keyValueHeads: 0..<1,
            into: output.view, logSumExp: logSumExp.pointer, scratch: scratch.pointer)
          DocumentAttention.backward(
            qkv.view, segments: segments, longestSegment: longest, shape: shape, keyValueHeads: 0..<1,
            output: output.view, logSumExp: logSumExp.pointer, outputGradient: output.view,
            into: gradient.view, scratch: scratch.pointer)
        }
      }
      // About 900; a kernel for each length would be several thousand.
      let kernels = hat_product_kernels()
      precondition((1..<1000).contains(kernels), "\(kernels) kernels")
    }
  }

  /// Rows of scores are as long as the longest document's, for which there may be more room than one needs.
  @Test func theBitsDoNotDependOnTheLongestDocument() {
    let shape = AttentionShape(heads: 2, keyValueHeads: 1, headSize: 32, causal: true)
    var generator = SeededGenerator(seed: 27)
    let qkv = TestMatrix(random: 600, shape.totalWidth, in: -2...2, using: &generator)
    let dy = TestMatrix(random: 600, shape.queryWidth, in: -2...2, using: &generator)
    let alone = AttentionRun(kernel: .documents, shape: shape, lengths: [600])
    let beside = AttentionRun(kernel: .documents, shape: shape, lengths: [600, 700])
    let bothInputs = TestMatrix(1300, shape.totalWidth) { qkv[$0 % 600, $1] }
    let bothGradients = TestMatrix(1300, shape.queryWidth) { dy[$0 % 600, $1] }
    #expect(Array(beside.forward(bothInputs).output.bits[..<600]) == alone.forward(qkv).output.bits)
    #expect(
      Array(beside.backward(bothInputs, outputGradient: bothGradients).bits[..<600])
        == alone.backward(qkv, outputGradient: dy).bits)
  }
}
