import HATKernels

/// The kernels as the modules call them: measured while the profile is on, shared by the threads of the rank.
///
/// Threads take columns of a product, rows of a row-wise kernel, segments or heads of attention: each element is computed
/// as one thread alone would, so results do not depend on how many there are.
struct ModelKernels {
  let profile: StepProfile
  let pool: WorkerPool

  init(profile: StepProfile = StepProfile(), pool: WorkerPool = WorkerPool(threads: 1)) {
    (self.profile, self.pool) = (profile, pool)
  }

  /// Floating-point operations, or bytes, from which on a second thread is worth waking.
  private static let (leastFLOPs, leastBytes) = (1 << 20, 1 << 17)
  /// Columns of a product that one thread takes, a multiple: a panel.
  private static let productColumns = 64

  func linear(_ x: MatrixView, weight: LinearWeight, into y: MatrixView) {
    product(flops(x, y.columns), columns: y.columns) { columns in
      MatrixProduct.linear(x, weight: weight.outputs(columns), into: y.columns(columns))
    }
  }

  func addLinear(_ x: MatrixView, weight: LinearWeight, to y: MatrixView) {
    product(flops(x, y.columns), columns: y.columns) { columns in
      MatrixProduct.addLinear(x, weight: weight.outputs(columns), to: y.columns(columns))
    }
  }

  func inputGradient(_ outputGradient: MatrixView, weight: MatrixView, into dx: MatrixView) {
    product(flops(outputGradient, dx.columns), columns: dx.columns) { columns in
      MatrixProduct.inputGradient(outputGradient, weight: weight.columns(columns), into: dx.columns(columns))
    }
  }

  func addWeightGradient(_ outputGradient: MatrixView, input x: MatrixView, to dW: MatrixView) {
    product(flops(outputGradient, x.columns), columns: dW.columns) { columns in
      MatrixProduct.addWeightGradient(outputGradient, input: x.columns(columns), to: dW.columns(columns))
    }
  }

  func norm(
    _ x: MatrixView, gain: UnsafePointer<Float>, into y: MatrixView, inverseRoots: FloatPointer
  ) {
    rowwise(.norm, x.rows, bytes(x) + bytes(y)) { rows in
      RMSNorm.forward(
        x.rows(rows), gain: gain, into: y.rows(rows), inverseRoots: inverseRoots + rows.lowerBound)
    }
  }

  /// On one thread: the gain's gradient is a sum over rows, in their order.
  func normBackward(
    _ x: MatrixView, gain: UnsafePointer<Float>, inverseRoots: UnsafePointer<Float>,
    outputGradient: MatrixView, addInputGradientTo dx: MatrixView,
    addGainGradientTo gainGradient: FloatPointer
  ) {
    profile.measure(.norm, 4 * bytes(x)) {
      RMSNorm.backward(
        x, gain: gain, inverseRoots: inverseRoots, outputGradient: outputGradient, addInputGradientTo: dx,
        addGainGradientTo: gainGradient)
    }
  }

  func rotate(_ x: MatrixView, _ table: RotaryTable, heads: Int, segments: Segments) {
    turn(x, table, heads: heads) { table.rotate($0, heads: $1, segments: segments) }
  }

  func rotateBack(_ x: MatrixView, _ table: RotaryTable, heads: Int, segments: Segments) {
    turn(x, table, heads: heads) { table.rotateBack($0, heads: $1, segments: segments) }
  }

  func swiGLU(_ gateUp: MatrixView, into hidden: MatrixView) {
    rowwise(.swiGLU, gateUp.rows, bytes(gateUp) + bytes(hidden)) { rows in
      SwiGLU.forward(gateUp.rows(rows), into: hidden.rows(rows))
    }
  }

  func swiGLUBackward(
    _ gateUp: MatrixView, hiddenGradient: MatrixView, into gateUpGradient: MatrixView, hidden: MatrixView
  ) {
    rowwise(.swiGLU, gateUp.rows, 2 * bytes(gateUp) + 2 * bytes(hidden)) { rows in
      SwiGLU.backward(
        gateUp.rows(rows), hiddenGradient: hiddenGradient.rows(rows), into: gateUpGradient.rows(rows),
        hidden: hidden.rows(rows))
    }
  }

  /// Work on rows that is neither arithmetic nor one of the kernels above.
  func rows(_ matrix: MatrixView, passes: Int = 2, _ body: () -> Void) {
    profile.measure(.rows, passes * bytes(matrix), body)
  }

  /// - Parameter body: the loss of some of the rows.
  func loss(_ logits: MatrixView, _ body: (_ rows: Range<Int>) -> Void) {
    rowwise(.loss, logits.rows, 2 * bytes(logits), body)
  }

  /// Attention of segments, or of heads where segments are long.
  func attention(
    _ routine: AttentionRoutine, _ shape: AttentionShape, _ segments: Segments, flops: Int,
    _ body: (_ part: Int, _ segments: Segments, _ keyValueHeads: Range<Int>) -> Void
  ) {
    let heads = 0..<shape.keyValueHeads
    profile.measure(routine == .words ? .wordAttention : .documentAttention, flops) {
      guard flops >= Self.leastFLOPs else { return body(0, segments, heads) }
      switch routine {
      case .words:
        pool.split(segments.count, unit: 1) { part, range in body(part, segments[range], heads) }
      case .documents:
        pool.split(heads.count, unit: 1) { part, range in body(part, segments, range) }
      }
    }
  }

  /// Attention of rows over the keys and values kept of their sequences.
  /// - Parameter items: pairs of a row and a key and value head.
  func keptAttention(_ items: Int, flops: Int, _ body: (_ part: Int, _ items: Range<Int>) -> Void) {
    profile.measure(.documentAttention, flops) {
      guard flops >= Self.leastFLOPs else { return body(0, 0..<items) }
      pool.split(items, unit: 1, body)
    }
  }

  private func product(_ flops: Int, columns: Int, _ body: (_ columns: Range<Int>) -> Void) {
    profile.measure(.product, flops) {
      guard flops >= Self.leastFLOPs else { return body(0..<columns) }
      pool.split(columns, unit: Self.productColumns) { _, columns in body(columns) }
    }
  }

  private func rowwise(
    _ kernel: StepProfile.Kernel, _ rows: Int, _ bytes: Int, _ body: (_ rows: Range<Int>) -> Void
  ) {
    profile.measure(kernel, bytes) {
      guard bytes >= Self.leastBytes else { return body(0..<rows) }
      pool.split(rows, unit: 8) { _, rows in body(rows) }
    }
  }

  private func turn(
    _ x: MatrixView, _ table: RotaryTable, heads: Int, _ body: (_ x: MatrixView, _ heads: Int) -> Void
  ) {
    profile.measure(.rotary, 2 * bytes(x)) {
      guard bytes(x) >= Self.leastBytes else { return body(x, heads) }
      pool.split(heads, unit: 1) { _, range in
        let columns = range.lowerBound * table.headSize..<range.upperBound * table.headSize
        body(x.columns(columns), range.count)
      }
    }
  }

  private func flops(_ x: MatrixView, _ columns: Int) -> Int { 2 * x.rows * x.columns * columns }
  private func bytes(_ matrix: MatrixView) -> Int { 4 * matrix.rows * matrix.columns }
}
