/// Attention inside long segments, as matrix products: blocks of 64 queries and all keys that these may see.
public enum DocumentAttention {
  private static let blockRows = 64

  /// The floats of scratch that either pass needs.
  public static func scratchCount(shape: AttentionShape, longestSegment: Int) -> Int {
    2 * min(blockRows, longestSegment) * paddedToLanes(longestSegment)
  }

  /// - Parameters:
  ///   - qkv: [R, (heads + 2 · keyValueHeads) · headSize], queries | keys | values, already rotated
  ///   - keyValueHeads: the key and value heads to do, with the query heads that read them
  ///   - output: [R, heads · headSize]
  ///   - logSumExp: [R, heads], for the backward pass
  ///   - scratch: [scratchCount]
  public static func forward(
    _ qkv: MatrixView, segments: Segments, shape: AttentionShape, keyValueHeads: Range<Int>,
    into output: MatrixView, logSumExp: FloatPointer, scratch: FloatPointer, on registers: Registers = .widest
  ) {
    precondition(qkv.columns == shape.totalWidth && output.columns == shape.queryWidth)
    for segment in 0..<segments.count {
      let rows = segments.rows(segment)
      let (inputs, outputs) = (qkv.rows(rows).constant, output.rows(rows))
      for index in shape.queryHeads(of: keyValueHeads) {
        let head = AttentionHead(index, of: shape)
        forEachBlock(rows.count, shape: shape) { block, keys in
          let scores = MatrixView(scratch, rows: block.count, columns: keys, stride: paddedToLanes(keys))
          let visibleRows = inputs.rows(0..<keys)
          ChainProduct.product(
            inputs.rows(block).columns(head.query), timesTransposed: visibleRows.columns(head.key),
            adding: false, scores)
          for row in block {
            let scoreRow = ScoreRow(
              scores: scores.row(row - block.lowerBound), scale: shape.scale,
              visible: shape.causal ? row + 1 : keys, count: keys)
            logSumExp[(rows.lowerBound + row) * shape.heads + index] = scoreRow.normalize(on: registers)
          }
          ChainProduct.product(
            scores.constant, times: visibleRows.columns(head.value), adding: false,
            outputs.rows(block).columns(head.query))
        }
      }
    }
  }

  /// - Parameters:
  ///   - keyValueHeads: the key and value heads to do, with the query heads that read them
  ///   - qkvGradient: [R, (heads + 2 · keyValueHeads) · headSize], overwritten in the rows of the segments and the
  ///     columns of the heads
  public static func backward(
    _ qkv: MatrixView, segments: Segments, shape: AttentionShape, keyValueHeads: Range<Int>,
    output: MatrixView, logSumExp: UnsafePointer<Float>, outputGradient: MatrixView,
    into qkvGradient: MatrixView, scratch: FloatPointer, on registers: Registers = .widest
  ) {
    precondition(qkv.columns == shape.totalWidth && qkvGradient.columns == shape.totalWidth)
    precondition(output.columns == shape.queryWidth && outputGradient.columns == shape.queryWidth)
    for segment in 0..<segments.count {
      let rows = segments.rows(segment)
      let gradients = qkvGradient.rows(rows)
      for row in 0..<rows.count {
        let keys = gradients.row(row) + shape.queryWidth + keyValueHeads.lowerBound * shape.headSize
        Vector.fillZero(keys, count: keyValueHeads.count * shape.headSize)
        Vector.fillZero(keys + shape.keyValueWidth, count: keyValueHeads.count * shape.headSize)
      }
      for index in shape.queryHeads(of: keyValueHeads) {
        backwardHead(
          AttentionHead(index, of: shape), shape: shape, inputs: qkv.rows(rows).constant,
          outputs: output.rows(rows).constant, logSumExp: logSumExp + rows.lowerBound * shape.heads,
          outputGradients: outputGradient.rows(rows).constant, addingTo: gradients, scratch: scratch,
          registers)
      }
    }
  }

  private static func backwardHead(
    _ head: AttentionHead, shape: AttentionShape, inputs: ConstantMatrixView, outputs: ConstantMatrixView,
    logSumExp: UnsafePointer<Float>, outputGradients: ConstantMatrixView, addingTo gradients: MatrixView,
    scratch: FloatPointer, _ registers: Registers
  ) {
    forEachBlock(inputs.rows, shape: shape) { block, keys in
      let stride = paddedToLanes(keys)
      let probabilities = MatrixView(scratch, rows: block.count, columns: keys, stride: stride)
      let scoreGradients = MatrixView(
        scratch + block.count * stride, rows: block.count, columns: keys, stride: stride)
      let (visibleRows, visibleGradients) = (inputs.rows(0..<keys), gradients.rows(0..<keys))
      let queries = inputs.rows(block).columns(head.query)
      let blockOutputs = outputs.rows(block).columns(head.query)
      let blockGradients = outputGradients.rows(block).columns(head.query)

      ChainProduct.product(
        queries, timesTransposed: visibleRows.columns(head.key), adding: false, probabilities)
      ChainProduct.product(
        blockGradients, timesTransposed: visibleRows.columns(head.value), adding: false, scoreGradients)
      for (local, row) in block.enumerated() {
        let scoreRow = ScoreRow(
          scores: probabilities.row(local), scale: shape.scale, visible: shape.causal ? row + 1 : keys,
          count: keys)
        scoreRow.differentiate(
          scoreGradients.row(local), logSumExp: logSumExp[row * shape.heads + head.index],
          delta: SoftmaxRow.dot(blockOutputs.row(local), blockGradients.row(local), count: shape.headSize),
          on: registers)
      }
      ChainProduct.product(
        scoreGradients.constant, times: visibleRows.columns(head.key), adding: false,
        gradients.rows(block).columns(head.query))
      ChainProduct.product(
        transposed: scoreGradients.constant, times: queries, adding: true,
        visibleGradients.columns(head.key))
      ChainProduct.product(
        transposed: probabilities.constant, times: blockGradients, adding: true,
        visibleGradients.columns(head.value))
    }
  }

  /// Calls `body(block, keys)` for each block of query rows; its queries see no keys beyond `0..<keys`.
  @inline(__always)
  private static func forEachBlock(
    _ rows: Int, shape: AttentionShape, _ body: (_ block: Range<Int>, _ keys: Int) -> Void
  ) {
    Blocks.forEach(rows, by: blockRows) { body($0, shape.causal ? $0.upperBound : rows) }
  }
}
