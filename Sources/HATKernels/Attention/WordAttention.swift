import CSIMD

/// Attention inside short segments, usually about six rows: one head of one segment at a time, all of it in the first-level
/// cache. Scratch grows with the square of the longest.
///
/// It is four times as fast on rows in the second-level cache as on rows from memory, so call it on tiles of words.
public enum WordAttention {
  /// The floats of scratch that either pass needs.
  public static func scratchCount(shape: AttentionShape, longestSegment: Int) -> Int {
    (2 * longestSegment + 1) * paddedToLanes(longestSegment)
  }

  /// - Parameters:
  ///   - qkv: [R, (heads + 2 · keyValueHeads) · headSize], queries | keys | values, already rotated
  ///   - output: [R, heads · headSize]
  ///   - logSumExp: [R, heads], for the backward pass
  ///   - scratch: [scratchCount]
  public static func forward(
    _ qkv: MatrixView, segments: Segments, shape: AttentionShape, into output: MatrixView,
    logSumExp: FloatPointer, scratch: FloatPointer, on registers: Registers = .widest
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
          logSumExp: logSumExp + rows.lowerBound * shape.heads + index, scratch: scratch, registers)
      }
    }
  }

  private static func forwardHead(
    queries: MatrixView, keys: MatrixView, values: MatrixView, shape: AttentionShape, into output: MatrixView,
    logSumExp: FloatPointer, scratch: FloatPointer, _ registers: Registers
  ) {
    let count = queries.rows
    let scores = ScoreColumns(scratch, count: count, causal: shape.causal)
    let logarithms = scratch + count * scores.matrix.stride
    SmallProduct.dots(keys, queries, fromRow: shape.causal, into: scores.matrix, on: registers)
    scores.normalize(scale: shape.scale, logSumExp: logarithms)
    for row in 0..<count { logSumExp[row * shape.heads] = logarithms[row] }
    SmallProduct.combine(
      .init(base: scratch, rowStride: 1, termStride: scores.matrix.stride), values,
      terms: shape.causal ? .upToRow : .all, adding: false, into: output)
  }

  /// - Parameters:
  ///   - qkvGradient: [R, (heads + 2 · keyValueHeads) · headSize], overwritten in the rows of the segments
  public static func backward(
    _ qkv: MatrixView, segments: Segments, shape: AttentionShape, logSumExp: UnsafePointer<Float>,
    outputGradient: MatrixView, into qkvGradient: MatrixView, scratch: FloatPointer,
    on registers: Registers = .widest
  ) {
    precondition(qkv.columns == shape.totalWidth && qkvGradient.columns == shape.totalWidth)
    precondition(outputGradient.columns == shape.queryWidth)
    for segment in 0..<segments.count {
      let rows = segments.rows(segment)
      for index in 0..<shape.heads {
        backwardHead(
          AttentionHead(index, of: shape), shape: shape, inputs: qkv.rows(rows),
          logSumExp: logSumExp + rows.lowerBound * shape.heads + index,
          outputGradients: outputGradient.rows(rows), into: qkvGradient.rows(rows), scratch: scratch,
          registers)
      }
    }
  }

  private static func backwardHead(
    _ head: AttentionHead, shape: AttentionShape, inputs: MatrixView,
    logSumExp: UnsafePointer<Float>, outputGradients: MatrixView, into gradients: MatrixView,
    scratch: FloatPointer, _ registers: Registers
  ) {
    let (count, causal) = (inputs.rows, shape.causal)
    let scores = ScoreColumns(scratch, count: count, causal: causal)
    let stride = scores.matrix.stride
    let gradientScratch = scratch + count * stride
    let scoreGradients = ScoreColumns(gradientScratch, count: count, causal: causal)
    let logarithms = gradientScratch + count * stride
    for row in 0..<count { logarithms[row] = logSumExp[row * shape.heads] }

    let (queries, keys, values) = (
      inputs.columns(head.query), inputs.columns(head.key), inputs.columns(head.value)
    )
    let outputGradient = outputGradients.columns(head.query)
    SmallProduct.dots(keys, queries, fromRow: causal, into: scores.matrix, on: registers)
    SmallProduct.dots(values, outputGradient, fromRow: causal, into: scoreGradients.matrix, on: registers)
    scores.differentiate(scoreGradients, scale: shape.scale, logSumExp: logarithms)

    SmallProduct.combine(
      .init(base: gradientScratch, rowStride: 1, termStride: stride), keys,
      terms: causal ? .upToRow : .all, adding: false, into: gradients.columns(head.query))
    SmallProduct.combine(
      .init(base: gradientScratch, rowStride: stride, termStride: 1), queries,
      terms: causal ? .fromRow : .all, adding: !head.startsGroup, into: gradients.columns(head.key))
    SmallProduct.combine(
      .init(base: scratch, rowStride: stride, termStride: 1), outputGradient,
      terms: causal ? .fromRow : .all, adding: !head.startsGroup, into: gradients.columns(head.value))
  }
}
