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
}

/// One call of attention, which the threads of a rank share: segments of words, key and value heads of documents.
struct AttentionWork: PoolWork {
  let routine: AttentionRoutine
  let shape: AttentionShape
  let segments: Segments
  let queryKeyValue: MatrixView
  let output: MatrixView
  let logSumExp: FloatPointer
  /// For the backward pass; nil for the forward pass.
  var gradients: (output: MatrixView, queryKeyValue: MatrixView)?
  let scratch: AttentionScratch

  /// Items to share.
  var count: Int {
    switch routine {
    case .words: segments.count
    case .documents: shape.keyValueHeads
    }
  }

  func perform(_ range: Range<Int>, part: Int) {
    if let gradients {
      differentiate(range, gradients.output, into: gradients.queryKeyValue, scratch: scratch[part])
    } else {
      attend(range, scratch: scratch[part])
    }
  }

  private func attend(_ range: Range<Int>, scratch: FloatPointer) {
    switch routine {
    case .words:
      WordAttention.forward(
        queryKeyValue, segments: segments[range], shape: shape, into: output, logSumExp: logSumExp,
        scratch: scratch)
    case .documents:
      DocumentAttention.forward(
        queryKeyValue, segments: segments, longestSegment: self.scratch.longestSegment, shape: shape,
        keyValueHeads: range, into: output, logSumExp: logSumExp, scratch: scratch)
    }
  }

  private func differentiate(
    _ range: Range<Int>, _ outputGradient: MatrixView, into gradient: MatrixView, scratch: FloatPointer
  ) {
    switch routine {
    case .words:
      WordAttention.backward(
        queryKeyValue, segments: segments[range], shape: shape, logSumExp: logSumExp,
        outputGradient: outputGradient, into: gradient, scratch: scratch)
    case .documents:
      DocumentAttention.backward(
        queryKeyValue, segments: segments, longestSegment: self.scratch.longestSegment, shape: shape,
        keyValueHeads: range, output: output, logSumExp: logSumExp, outputGradient: outputGradient,
        into: gradient, scratch: scratch)
    }
  }
}

/// Scratch of attention, `floats` for each thread.
struct AttentionScratch {
  let base: FloatPointer
  let floats: Int
  /// Rows of a segment, at most, for which there is room.
  let longestSegment: Int

  subscript(part: Int) -> FloatPointer { base + part * floats }
}
