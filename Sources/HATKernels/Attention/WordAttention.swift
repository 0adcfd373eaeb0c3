import CSIMD

/// Attention inside short segments (at most 256 rows, usually about six): one head of one segment at a time, all of
/// it in the first-level cache.
public enum WordAttention {
  /// Floats of scratch both passes need.
  public static func scratchCount(shape: AttentionShape, longestSegment: Int) -> Int {
    2 * longestSegment * paddedToLanes(longestSegment)
  }

  /// - Parameters:
  ///   - qkv: [R, (heads + 2 · keyValueHeads) · headSize], queries | keys | values, already rotated
  ///   - output: [R, heads · headSize]
  ///   - logSumExp: [R, heads], for the backward pass
  ///   - scratch: [scratchCount]
  public static func forward(
    _ qkv: MatrixView, segments: Segments, shape: AttentionShape, into output: MatrixView,
    logSumExp: FloatPointer, scratch: FloatPointer
  ) {
    precondition(qkv.columns == shape.totalWidth && output.columns == shape.queryWidth)
    for segment in 0..<segments.count {
      let rows = segments.rows(segment)
      let (inputs, outputs) = (qkv.rows(rows), output.rows(rows))
      for index in 0..<shape.heads {
        let head = AttentionHead(index, of: shape)
        forwardHead(
          queries: inputs.columns(head.query), keys: inputs.columns(head.key),
          values: inputs.columns(head.value),
          shape: shape, into: outputs.columns(head.query),
          logSumExp: logSumExp + rows.lowerBound * shape.heads + index, scratch: scratch)
      }
    }
  }

  private static func forwardHead(
    queries: MatrixView, keys: MatrixView, values: MatrixView, shape: AttentionShape, into output: MatrixView,
    logSumExp: FloatPointer, scratch: FloatPointer
  ) {
    let count = queries.rows
    let probabilities = scores(scratch, count)
    SmallProduct.dots(queries, keys, causal: shape.causal, into: probabilities)
    for row in 0..<count {
      let visible = shape.causal ? row + 1 : count
      SoftmaxRow.scale(probabilities.row(row), count: visible, by: shape.scale)
      logSumExp[row * shape.heads] = SoftmaxRow.normalize(
        probabilities.row(row), visible: visible, count: probabilities.stride)
    }
    SmallProduct.combine(
      .init(base: probabilities.base, rowStride: probabilities.stride, termStride: 1), values,
      terms: shape.causal ? .upToRow : .all, adding: false, into: output)
  }

  /// - Parameters:
  ///   - qkvGradient: [R, (heads + 2 · keyValueHeads) · headSize], overwritten in the rows of the segments
  public static func backward(
    _ qkv: MatrixView, segments: Segments, shape: AttentionShape, output: MatrixView,
    logSumExp: UnsafePointer<Float>, outputGradient: MatrixView, into qkvGradient: MatrixView,
    scratch: FloatPointer
  ) {
    precondition(qkv.columns == shape.totalWidth && qkvGradient.columns == shape.totalWidth)
    precondition(output.columns == shape.queryWidth && outputGradient.columns == shape.queryWidth)
    for segment in 0..<segments.count {
      let rows = segments.rows(segment)
      for index in 0..<shape.heads {
        backwardHead(
          AttentionHead(index, of: shape), shape: shape, inputs: qkv.rows(rows), outputs: output.rows(rows),
          logSumExp: logSumExp + rows.lowerBound * shape.heads + index,
          outputGradients: outputGradient.rows(rows), into: qkvGradient.rows(rows), scratch: scratch)
      }
    }
  }

  private static func backwardHead(
    _ head: AttentionHead, shape: AttentionShape, inputs: MatrixView, outputs: MatrixView,
    logSumExp: UnsafePointer<Float>, outputGradients: MatrixView, into gradients: MatrixView,
    scratch: FloatPointer
  ) {
    let count = inputs.rows
    let probabilities = scores(scratch, count)
    let scoreGradients = scores(scratch + count * probabilities.stride, count)
    let (queries, keys) = (inputs.columns(head.query), inputs.columns(head.key))
    let (output, outputGradient) = (outputs.columns(head.query), outputGradients.columns(head.query))

    SmallProduct.dots(queries, keys, causal: shape.causal, into: probabilities)
    SmallProduct.dots(
      outputGradient, inputs.columns(head.value), causal: shape.causal, into: scoreGradients)
    for row in 0..<count {
      let visible = shape.causal ? row + 1 : count
      SoftmaxRow.scale(probabilities.row(row), count: visible, by: shape.scale)
      SoftmaxRow.differentiate(
        probabilities.row(row), scoreGradients.row(row), visible: visible, count: probabilities.stride,
        logSumExp: logSumExp[row * shape.heads],
        delta: SoftmaxRow.dot(output.row(row), outputGradient.row(row), count: shape.headSize),
        scale: shape.scale)
    }

    let stride = probabilities.stride
    let (earlier, later): (SmallProduct.Terms, SmallProduct.Terms) =
      shape.causal ? (.upToRow, .fromRow) : (.all, .all)
    SmallProduct.combine(
      .init(base: scoreGradients.base, rowStride: stride, termStride: 1), keys, terms: earlier, adding: false,
      into: gradients.columns(head.query))
    SmallProduct.combine(
      .init(base: scoreGradients.base, rowStride: 1, termStride: stride), queries, terms: later,
      adding: !head.startsGroup, into: gradients.columns(head.key))
    SmallProduct.combine(
      .init(base: probabilities.base, rowStride: 1, termStride: stride), outputGradient, terms: later,
      adding: !head.startsGroup, into: gradients.columns(head.value))
  }

  /// A [count, count] matrix whose rows are whole registers.
  @inline(__always)
  private static func scores(_ base: FloatPointer, _ count: Int) -> MatrixView {
    MatrixView(base, rows: count, columns: count, stride: paddedToLanes(count))
  }
}
