/// Attention inside long segments, as matrix products of blocks of queries and all keys that these may see.
///
/// LIBXSMM makes a kernel for each shape of a product and each stride, and keeps it. So the scores of all segments lie as those
/// of the longest would, and sums over many keys are cut: the number of kernels does not grow with the lengths.
public enum DocumentAttention {
  /// The floats of scratch that either pass needs.
  public static func scratchCount(shape: AttentionShape, longestSegment: Int) -> Int {
    2 * min(QueryBlock.rows, longestSegment) * QueryBlock.scoreStride(longestSegment)
  }

  /// - Parameters:
  ///   - qkv: [R, (heads + 2 · keyValueHeads) · headSize], queries | keys | values, already rotated
  ///   - longestSegment: rows of a segment, at most: that of `scratchCount`, and the same in every call
  ///   - keyValueHeads: the key and value heads to do, with the query heads that read them
  ///   - output: [R, heads · headSize]
  ///   - logSumExp: [R, heads], for the backward pass
  ///   - scratch: [scratchCount]
  public static func forward(
    _ qkv: MatrixView, segments: Segments, longestSegment: Int, shape: AttentionShape,
    keyValueHeads: Range<Int>, into output: MatrixView, logSumExp: FloatPointer, scratch: FloatPointer,
    on registers: Registers = .widest
  ) {
    precondition(qkv.columns == shape.totalWidth && output.columns == shape.queryWidth)
    for segment in 0..<segments.count {
      let rows = segments.rows(segment)
      precondition(rows.count <= longestSegment)
      let (inputs, outputs) = (qkv.rows(rows).constant, output.rows(rows))
      for index in shape.queryHeads(of: keyValueHeads) {
        let head = AttentionHead(index, of: shape)
        QueryBlock.forEach(rows.count, causal: shape.causal) { block in
          let scores = scoreMatrix(block, longestSegment, scratch)
          block.scores(
            inputs.rows(block.queries).columns(head.query), inputs.columns(head.key), into: scores)
          for (local, row) in block.queries.enumerated() {
            let scoreRow = ScoreRow(
              scores: scores.row(local), scale: shape.scale, visible: shape.causal ? row + 1 : rows.count,
              count: block.readKeys(row))
            logSumExp[(rows.lowerBound + row) * shape.heads + index] = scoreRow.normalize(on: registers)
          }
          block.combine(
            scores.constant, inputs.columns(head.value),
            into: outputs.rows(block.queries).columns(head.query))
        }
      }
    }
  }

  /// - Parameters:
  ///   - longestSegment: that of the forward pass
  ///   - keyValueHeads: the key and value heads to do, with the query heads that read them
  ///   - qkvGradient: [R, (heads + 2 · keyValueHeads) · headSize], overwritten in the rows of the segments and the
  ///     columns of the heads
  public static func backward(
    _ qkv: MatrixView, segments: Segments, longestSegment: Int, shape: AttentionShape,
    keyValueHeads: Range<Int>, output: MatrixView, logSumExp: UnsafePointer<Float>,
    outputGradient: MatrixView, into qkvGradient: MatrixView, scratch: FloatPointer,
    on registers: Registers = .widest
  ) {
    precondition(qkv.columns == shape.totalWidth && qkvGradient.columns == shape.totalWidth)
    precondition(output.columns == shape.queryWidth && outputGradient.columns == shape.queryWidth)
    for segment in 0..<segments.count {
      let rows = segments.rows(segment)
      precondition(rows.count <= longestSegment)
      let gradients = qkvGradient.rows(rows)
      for row in 0..<rows.count {
        let keys = gradients.row(row) + shape.queryWidth + keyValueHeads.lowerBound * shape.headSize
        Vector.fillZero(keys, count: keyValueHeads.count * shape.headSize)
        Vector.fillZero(keys + shape.keyValueWidth, count: keyValueHeads.count * shape.headSize)
      }
      for index in shape.queryHeads(of: keyValueHeads) {
        backwardHead(
          AttentionHead(index, of: shape), shape: shape, longestSegment: longestSegment,
          inputs: qkv.rows(rows).constant, outputs: output.rows(rows).constant,
          logSumExp: logSumExp + rows.lowerBound * shape.heads,
          outputGradients: outputGradient.rows(rows).constant, addingTo: gradients, scratch: scratch,
          registers)
      }
    }
  }

  private static func backwardHead(
    _ head: AttentionHead, shape: AttentionShape, longestSegment: Int, inputs: ConstantMatrixView,
    outputs: ConstantMatrixView, logSumExp: UnsafePointer<Float>, outputGradients: ConstantMatrixView,
    addingTo gradients: MatrixView, scratch: FloatPointer, _ registers: Registers
  ) {
    QueryBlock.forEach(inputs.rows, causal: shape.causal) { block in
      let probabilities = scoreMatrix(block, longestSegment, scratch)
      let scoreGradients = scoreMatrix(
        block, longestSegment, scratch + probabilities.rows * probabilities.stride)
      let queries = inputs.rows(block.queries).columns(head.query)
      let blockOutputs = outputs.rows(block.queries).columns(head.query)
      let blockGradients = outputGradients.rows(block.queries).columns(head.query)

      block.scores(queries, inputs.columns(head.key), into: probabilities)
      block.scores(blockGradients, inputs.columns(head.value), into: scoreGradients)
      for (local, row) in block.queries.enumerated() {
        let scoreRow = ScoreRow(
          scores: probabilities.row(local), scale: shape.scale,
          visible: shape.causal ? row + 1 : inputs.rows, count: block.readKeys(row))
        scoreRow.differentiate(
          scoreGradients.row(local), logSumExp: logSumExp[row * shape.heads + head.index],
          delta: SoftmaxRow.dot(blockOutputs.row(local), blockGradients.row(local), count: shape.headSize),
          on: registers)
      }
      block.combine(
        scoreGradients.constant, inputs.columns(head.key),
        into: gradients.rows(block.queries).columns(head.query))
      block.spread(scoreGradients.constant, queries, addingTo: gradients.columns(head.key))
      block.spread(probabilities.constant, blockGradients, addingTo: gradients.columns(head.value))
    }
  }

  /// Room for the scores of a block, [queries, whole panels of keys].
  @inline(__always)
  private static func scoreMatrix(
    _ block: QueryBlock, _ longestSegment: Int, _ base: FloatPointer
  ) -> MatrixView {
    MatrixView(base, rows: block.queries.count, columns: QueryBlock.scoreStride(longestSegment))
  }
}
