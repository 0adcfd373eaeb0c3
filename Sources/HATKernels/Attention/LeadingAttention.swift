import CSIMD

/// Attention of only the first row of each segment over the rows of its segment, for short segments without a causal mask.
///
/// It gives what `WordAttention` gives for those rows, up to rounding. Legend: R rows, S segments, of at least one row each.
public enum LeadingAttention {
  /// The floats of scratch that either pass needs.
  public static func scratchCount(longestSegment: Int) -> Int { 2 * longestSegment }

  /// - Parameters:
  ///   - qkv: [R, (heads + 2 · keyValueHeads) · headSize], queries | keys | values, already rotated; of the queries, only
  ///     the first of each segment is read
  ///   - output: [S, heads · headSize]
  ///   - scratch: [scratchCount]
  public static func forward(
    _ qkv: MatrixView, segments: Segments, shape: AttentionShape, into output: MatrixView,
    scratch: FloatPointer
  ) {
    precondition(!shape.causal && qkv.columns == shape.totalWidth)
    precondition(output.rows == segments.count && output.columns == shape.queryWidth)
    for segment in 0..<segments.count {
      let rows = segments.rows(segment)
      precondition(!rows.isEmpty, "every segment has a first row")
      for index in 0..<shape.heads {
        let head = AttentionHead(index, of: shape)
        probabilities(qkv.rows(rows), head, shape, into: scratch)
        combine(
          scratch, qkv.rows(rows).columns(head.value), into: output.row(segment) + head.query.lowerBound)
      }
    }
  }

  /// - Parameters:
  ///   - outputGradient: [S, heads · headSize]
  ///   - qkvGradient: [R, (heads + 2 · keyValueHeads) · headSize], overwritten in the rows of the segments, with zeros
  ///     for the queries that were not read
  public static func backward(
    _ qkv: MatrixView, segments: Segments, shape: AttentionShape, outputGradient: MatrixView,
    into qkvGradient: MatrixView, scratch: FloatPointer
  ) {
    precondition(!shape.causal && qkv.columns == shape.totalWidth && qkvGradient.columns == shape.totalWidth)
    precondition(outputGradient.rows == segments.count && outputGradient.columns == shape.queryWidth)
    for segment in 0..<segments.count {
      let rows = segments.rows(segment)
      precondition(!rows.isEmpty, "every segment has a first row")
      let gradients = qkvGradient.rows(rows)
      for row in 1..<rows.count { Vector.fillZero(gradients.row(row), count: shape.queryWidth) }
      for index in 0..<shape.heads {
        let head = AttentionHead(index, of: shape)
        backwardHead(
          qkv.rows(rows), head, shape, outputGradient: outputGradient.row(segment) + head.query.lowerBound,
          into: gradients, scratch: scratch)
      }
    }
  }

  private static func backwardHead(
    _ qkv: MatrixView, _ head: AttentionHead, _ shape: AttentionShape, outputGradient: FloatPointer,
    into gradients: MatrixView, scratch: FloatPointer
  ) {
    let (weights, slopes) = (scratch, scratch + qkv.rows)
    let (keys, values) = (qkv.columns(head.key), qkv.columns(head.value))
    probabilities(qkv, head, shape, into: weights)
    var delta: Float = 0
    for row in 0..<qkv.rows {
      slopes[row] = SoftmaxRow.dot(outputGradient, values.row(row), count: shape.headSize)
      delta += weights[row] * slopes[row]
    }
    for row in 0..<qkv.rows { slopes[row] = (slopes[row] - delta) * weights[row] * shape.scale }

    combine(slopes, keys, into: gradients.row(0) + head.query.lowerBound)
    let query = qkv.row(0) + head.query.lowerBound
    spread(query, by: slopes, adding: !head.startsGroup, into: gradients.columns(head.key))
    spread(outputGradient, by: weights, adding: !head.startsGroup, into: gradients.columns(head.value))
  }

  /// The softmax of the first row's scores with all rows.
  @inline(__always)
  private static func probabilities(
    _ qkv: MatrixView, _ head: AttentionHead, _ shape: AttentionShape, into weights: FloatPointer
  ) {
    let (query, keys) = (qkv.row(0) + head.query.lowerBound, qkv.columns(head.key))
    for row in 0..<qkv.rows {
      weights[row] = SoftmaxRow.dot(query, keys.row(row), count: shape.headSize) * shape.scale
    }
    let largest = SoftmaxRow.largest(weights, count: qkv.rows)
    let sum = SoftmaxRow.exponentiate(weights, count: qkv.rows, minus: largest, on: .widest)
    SoftmaxRow.scale(weights, count: qkv.rows, by: 1 / sum)
  }

  /// row = Σ weight_k · rows_k.
  @inline(__always)
  private static func combine(_ weights: FloatPointer, _ rows: MatrixView, into row: FloatPointer) {
    LaneLoop.forEach(rows.columns) { offset, access in
      var sum = Lanes()
      for index in 0..<rows.rows {
        sum = Lanes(repeatingAt: weights + index).times(access.load(rows.row(index) + offset), plus: sum)
      }
      access.store(sum, row + offset)
    }
  }

  /// rows_k = weight_k · row, or added.
  @inline(__always)
  private static func spread(
    _ row: FloatPointer, by weights: FloatPointer, adding: Bool, into rows: MatrixView
  ) {
    for index in 0..<rows.rows {
      let (weight, destination) = (Lanes(repeatingAt: weights + index), rows.row(index))
      LaneLoop.forEach(rows.columns) { offset, access in
        let before = adding ? access.load(destination + offset) : Lanes()
        access.store(weight.times(access.load(row + offset), plus: before), destination + offset)
      }
    }
  }
}
