import HATKernels

/// The kernels as the modules call them: measured while the profile is on, shared by the threads of the rank.
///
/// Threads take columns of a product, rows of a row-wise kernel, segments or heads of attention: each element is computed
/// as one thread alone would, so results do not depend on how many there are.
struct ModelKernels {
  let profile: StepProfile
  let pool: WorkerPool
  /// Of products, but for those inside attention: their sums are short, and splitting their factors costs more than
  /// tiles save.
  let arithmetic: ProductArithmetic

  init(
    profile: StepProfile = StepProfile(), pool: WorkerPool = WorkerPool(threads: 1),
    arithmetic: ProductArithmetic = .fusedMultiplyAdds
  ) {
    (self.profile, self.pool, self.arithmetic) = (profile, pool, arithmetic)
  }

  /// Floating-point operations, or bytes, from which on a second thread is worth waking.
  private static let (leastFLOPs, leastBytes) = (1 << 20, 1 << 17)
  /// Columns of a product that one thread takes, a multiple: a panel.
  private static let productColumns = 64

  func linear(_ x: MatrixView, weight: MatrixView, into y: MatrixView) {
    linear(x, weight: LinearWeight(weight.constant), into: y)
  }

  func addLinear(_ x: MatrixView, weight: MatrixView, to y: MatrixView) {
    addLinear(x, weight: LinearWeight(weight.constant), to: y)
  }

  func linear(_ x: MatrixView, weight: LinearWeight, into y: MatrixView) {
    product(.linear(x, weight, into: y, by: arithmetic), flops(x, y.columns), columns: y.columns)
  }

  func addLinear(_ x: MatrixView, weight: LinearWeight, to y: MatrixView) {
    product(.addLinear(x, weight, to: y, by: arithmetic), flops(x, y.columns), columns: y.columns)
  }

  func inputGradient(_ outputGradient: MatrixView, weight: MatrixView, into dx: MatrixView) {
    product(
      .inputGradient(outputGradient, weight: weight.constant, into: dx, by: arithmetic),
      flops(outputGradient, dx.columns), columns: dx.columns)
  }

  func addWeightGradient(_ outputGradient: MatrixView, input x: MatrixView, to dW: MatrixView) {
    weightGradient(outputGradient, input: x, adding: true, into: dW)
  }

  func weightGradient(_ outputGradient: MatrixView, input x: MatrixView, adding: Bool, into dW: MatrixView) {
    product(
      .weightGradient(outputGradient, input: x, adding: adding, into: dW, by: arithmetic),
      flops(outputGradient, x.columns), columns: dW.columns)
  }

  func norm(
    _ x: MatrixView, gain: UnsafePointer<Float>, into y: MatrixView, inverseRoots: FloatPointer
  ) {
    rowwise(
      .norm, .norm(x, gain: gain, into: y, inverseRoots: inverseRoots), rows: x.rows, bytes(x) + bytes(y))
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
    turn(.rotate(x, table, segments), heads: heads, bytes(x))
  }

  func rotateBack(_ x: MatrixView, _ table: RotaryTable, heads: Int, segments: Segments) {
    turn(.rotateBack(x, table, segments), heads: heads, bytes(x))
  }

  func swiGLU(_ gateUp: MatrixView, into hidden: MatrixView) {
    rowwise(.swiGLU, .swiGLU(gateUp, into: hidden), rows: gateUp.rows, bytes(gateUp) + bytes(hidden))
  }

  func swiGLUBackward(
    _ gateUp: MatrixView, hiddenGradient: MatrixView, into gateUpGradient: MatrixView, hidden: MatrixView
  ) {
    rowwise(
      .swiGLU,
      .swiGLUBackward(gateUp, hiddenGradient: hiddenGradient, into: gateUpGradient, hidden: hidden),
      rows: gateUp.rows, 2 * bytes(gateUp) + 2 * bytes(hidden))
  }

  /// Work on rows that is neither arithmetic nor one of the kernels above.
  func rows(_ matrix: MatrixView, passes: Int = 2, _ body: () -> Void) {
    profile.measure(.rows, passes * bytes(matrix), body)
  }

  func loss(_ rows: LossRows) {
    rowwise(.loss, .loss(rows), rows: rows.logits.rows, bytes(rows.logits))
  }

  /// Overwrites the logits by their gradient.
  func lossAndGradient(_ rows: LossRows) {
    rowwise(.loss, .lossAndGradient(rows), rows: rows.logits.rows, 2 * bytes(rows.logits))
  }

  func attention(_ work: AttentionWork, flops: Int) {
    profile.measure(work.routine == .words ? .wordAttention : .documentAttention, flops) {
      share(work, work.count, unit: 1, isWorthIt: flops >= Self.leastFLOPs)
    }
  }

  /// Of rows over the keys and values kept of their sequences.
  func attention(_ work: KeptAttentionWork, flops: Int) {
    profile.measure(.documentAttention, flops) {
      share(work, work.count, unit: 1, isWorthIt: flops >= Self.leastFLOPs)
    }
  }

  private func product(_ work: KernelWork, _ flops: Int, columns: Int) {
    profile.measure(.product, flops) {
      share(work, columns, unit: Self.productColumns, isWorthIt: flops >= Self.leastFLOPs)
    }
  }

  private func rowwise(_ kernel: StepProfile.Kernel, _ work: KernelWork, rows: Int, _ bytes: Int) {
    profile.measure(kernel, bytes) { share(work, rows, unit: 8, isWorthIt: bytes >= Self.leastBytes) }
  }

  private func turn(_ work: KernelWork, heads: Int, _ bytes: Int) {
    profile.measure(.rotary, 2 * bytes) { share(work, heads, unit: 1, isWorthIt: bytes >= Self.leastBytes) }
  }

  private func share(_ work: some PoolWork, _ count: Int, unit: Int, isWorthIt: Bool) {
    if isWorthIt { pool.split(count, unit: unit, work) } else { work.perform(0..<count, part: 0) }
  }

  private func flops(_ x: MatrixView, _ columns: Int) -> Int { 2 * x.rows * x.columns * columns }
  private func bytes(_ matrix: MatrixView) -> Int { 4 * matrix.rows * matrix.columns }
}
