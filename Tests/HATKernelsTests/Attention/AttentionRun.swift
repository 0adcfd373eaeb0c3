import HATKernels

/// The two attention kernels, to be tested alike.
enum AttentionKernel: CaseIterable {
  case words, documents
}

/// One kernel over segments of the given lengths.
struct AttentionRun {
  let kernel: AttentionKernel
  let shape: AttentionShape
  let lengths: [Int]
  /// In how many shares the heads of documents are done, as threads would.
  var shares = 1
  var registers = Registers.widest

  private var headShares: [Range<Int>] {
    (0..<shares).map { shape.keyValueHeads * $0 / shares..<shape.keyValueHeads * ($0 + 1) / shares }
  }

  private var longest: Int { lengths.max() ?? 0 }

  private func withScratch(_ body: (FloatPointer) -> Void) {
    let count =
      switch kernel {
      case .words: WordAttention.scratchCount(shape: shape, longestSegment: longest)
      case .documents: DocumentAttention.scratchCount(shape: shape, longestSegment: longest)
      }
    // Old contents must not matter.
    let scratch = TestMatrix(1, count) { _, _ in .nan }
    body(scratch.pointer)
    precondition(scratch.isIntactOutside, "scratch overrun")
  }

  func forward(_ qkv: TestMatrix) -> (output: TestMatrix, logSumExp: TestMatrix) {
    let output = TestMatrix(qkv.rows, shape.queryWidth, gap: 3) { _, _ in .nan }
    let logSumExp = TestMatrix(qkv.rows, shape.heads) { _, _ in .nan }
    withSegments(lengths) { segments in
      withScratch { scratch in
        switch kernel {
        case .words:
          WordAttention.forward(
            qkv.view, segments: segments, shape: shape, into: output.view, logSumExp: logSumExp.pointer,
            scratch: scratch, on: registers)
        case .documents:
          for heads in headShares {
            DocumentAttention.forward(
              qkv.view, segments: segments, longestSegment: longest, shape: shape, keyValueHeads: heads,
              into: output.view, logSumExp: logSumExp.pointer, scratch: scratch, on: registers)
          }
        }
      }
    }
    return (output, logSumExp)
  }

  func backward(_ qkv: TestMatrix, outputGradient: TestMatrix) -> TestMatrix {
    let (output, logSumExp) = forward(qkv)
    let gradient = TestMatrix(qkv.rows, shape.totalWidth, gap: 1) { _, _ in .nan }
    withSegments(lengths) { segments in
      withScratch { scratch in
        switch kernel {
        case .words:
          WordAttention.backward(
            qkv.view, segments: segments, shape: shape, logSumExp: logSumExp.pointer,
            outputGradient: outputGradient.view, into: gradient.view, scratch: scratch, on: registers)
        case .documents:
          for heads in headShares {
            DocumentAttention.backward(
              qkv.view, segments: segments, longestSegment: longest, shape: shape, keyValueHeads: heads,
              output: output.view, logSumExp: logSumExp.pointer, outputGradient: outputGradient.view,
              into: gradient.view, scratch: scratch, on: registers)
          }
        }
      }
    }
    return gradient
  }
}
