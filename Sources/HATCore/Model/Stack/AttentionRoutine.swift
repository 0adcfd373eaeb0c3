import HATKernels

/// Which of the two attention kernels serves a stack: the one for words or the one for documents.
enum AttentionRoutine {
  case words
  case documents

  func scratchCount(_ shape: AttentionShape, longestSegment: Int) -> Int {
    switch self {
    case .words: WordAttention.scratchCount(shape: shape, longestSegment: longestSegment)
    case .documents: DocumentAttention.scratchCount(shape: shape, longestSegment: longestSegment)
    }
  }

  /// - Parameter keyValueHeads: of documents those to do; of words all.
  func forward(
    _ queryKeyValue: MatrixView, segments: Segments, shape: AttentionShape, keyValueHeads: Range<Int>,
    into output: MatrixView, logSumExp: FloatPointer, scratch: FloatPointer
  ) {
    switch self {
    case .words:
      WordAttention.forward(
        queryKeyValue, segments: segments, shape: shape, into: output, logSumExp: logSumExp, scratch: scratch)
    case .documents:
      DocumentAttention.forward(
        queryKeyValue, segments: segments, shape: shape, keyValueHeads: keyValueHeads, into: output,
        logSumExp: logSumExp, scratch: scratch)
    }
  }

  /// - Parameter keyValueHeads: of documents those to do; of words all.
  func backward(
    _ queryKeyValue: MatrixView, segments: Segments, shape: AttentionShape, keyValueHeads: Range<Int>,
    output: MatrixView, logSumExp: FloatPointer, outputGradient: MatrixView, into gradient: MatrixView,
    scratch: FloatPointer
  ) {
    switch self {
    case .words:
      WordAttention.backward(
        queryKeyValue, segments: segments, shape: shape, output: output, logSumExp: logSumExp,
        outputGradient: outputGradient, into: gradient, scratch: scratch)
    case .documents:
      DocumentAttention.backward(
        queryKeyValue, segments: segments, shape: shape, keyValueHeads: keyValueHeads, output: output,
        logSumExp: logSumExp,
        outputGradient: outputGradient, into: gradient, scratch: scratch)
    }
  }
}
