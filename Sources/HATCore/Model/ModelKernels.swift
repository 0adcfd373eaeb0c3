import HATKernels

/// The kernels as the modules call them: measured while the profile is on, shared by the threads of the rank.
///
/// Threads take columns of a product, rows of a row-wise kernel, segments or heads of attention: each element is computed
/// as one thread alone would, so results do not depend on how many there are.
struct ModelKernels {
  let profile: StepProfile
  let pool: WorkerPool
  /// Of all products except those inside attention: their sums are short, and splitting their factors costs more than
  /// matrix tiles save.
  let arithmetic: ProductArithmetic
  /// Packs the weights of products by a matrix where they do not change; nil where they do.
  private let packed: PackedWeights?

  /// - Parameters:
  ///   - workers: the threads to share work with; results are the same for any number.
  ///   - packsWeights: whether the weights do not change while this lives.
  init(
    workers: WorkerPool = WorkerPool(threads: 1), arithmetic: ProductArithmetic = .fusedMultiplyAdds,
    profile: StepProfile = StepProfile(), packsWeights: Bool = false
  ) {
    (self.profile, pool, self.arithmetic) = (profile, workers, arithmetic)
    packed = packsWeights ? PackedWeights(in: arithmetic.precision) : nil
  }

  init(_ execution: Execution, profile: StepProfile) {
    self.init(workers: execution.workers, arithmetic: execution.arithmetic, profile: profile)
  }

  /// Floating-point operations, or bytes, from which on a second thread is worth waking.
  private static let (leastFLOPs, leastBytes) = (1 << 20, 1 << 17)
  /// Columns of a product that one thread takes, a multiple: whole panels.
  static let productColumns = 64

  /// - Parameter weight: a matrix of the model: it may be packed, and found again by where it lies.
  func linear(_ x: MatrixView, weight: ConstantMatrixView, into y: MatrixView) {
    linear(x, weight: packed?(weight) ?? LinearWeight(weight), into: y)
  }

  /// - Parameter weight: as for `linear`.
  func addLinear(_ x: MatrixView, weight: ConstantMatrixView, to y: MatrixView) {
    addLinear(x, weight: packed?(weight) ?? LinearWeight(weight), to: y)
  }

  func linear(_ x: MatrixView, weight: LinearWeight, into y: MatrixView) {
    product(.linear(x, weight, into: y, by: arithmetic), flops(x, y.columns), columns: y.columns)
  }

  func addLinear(_ x: MatrixView, weight: LinearWeight, to y: MatrixView) {
    product(.addLinear(x, weight, to: y, by: arithmetic), flops(x, y.columns), columns: y.columns)
  }

  func inputGradient(_ outputGradient: MatrixView, weight: ConstantMatrixView, into dx: MatrixView) {
    product(
      .inputGradient(outputGradient, weight: weight, into: dx, by: arithmetic),
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

  func norm(_ x: MatrixView, gain: UnsafePointer<Float>, into y: MatrixView, inverseRoots: FloatPointer) {
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
        x, gain: gain, inverseRoots: inverseRoots, outputGradient: outputGradient, adding: true, into: dx,
        addGainGradientTo: gainGradient)
    }
  }

  func headNorm(_ norm: HeadNorm, into heads: MatrixView) {
    profile.measure(.norm, 2 * bytes(heads)) {
      share(
        KernelWork.headNorm(norm, into: heads), norm.heads, unit: 1,
        isWorthIt: 2 * bytes(heads) >= Self.leastBytes)
    }
  }

  /// On one thread, as `normBackward`.
  func headNormBackward(
    _ norm: HeadNorm, _ gradient: MatrixView, addGainGradientTo gainGradient: FloatPointer
  ) {
    profile.measure(.norm, 3 * bytes(gradient)) {
      norm.backward(gradient, addGainGradientTo: gainGradient)
    }
  }

  func rotate(_ x: MatrixView, _ table: RotaryTable, heads: Int, segments: Segments) {
    table.prepare(segments.longest)
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
      .swiGLU, .swiGLUBackward(gateUp, hiddenGradient: hiddenGradient, into: gateUpGradient, hidden: hidden),
      rows: gateUp.rows, 2 * bytes(gateUp) + 2 * bytes(hidden))
  }

  /// Work on rows that none of the kernels above does, such as copying.
  func rows(_ matrix: MatrixView, passes: Int = 2, _ body: () -> Void) {
    rows(matrix.rows, columns: matrix.columns, passes: passes, body)
  }

  func rows(_ rows: Int, columns: Int, passes: Int = 2, _ body: () -> Void) {
    profile.measure(.rows, passes * 4 * rows * columns, body)
  }

  /// Rounds a matrix to bfloat16 in place, and writes the result to `kept`, if there is one.
  func round(_ matrix: MatrixView, keepingIn kept: BrainFloatMatrix?) {
    rowwise(.rows, .round(matrix, keepingIn: kept), rows: matrix.rows, 2 * bytes(matrix))
  }

  func expand(_ kept: BrainFloatMatrix, into matrix: MatrixView) {
    rowwise(.rows, .expand(kept, into: matrix), rows: matrix.rows, bytes(matrix) * 3 / 2)
  }

  func loss(_ rows: LossRows) { rowwise(.loss, .loss(rows), rows: rows.logits.rows, bytes(rows.logits)) }

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

/// One call of a kernel, which the threads of a rank share: columns of a product, heads of a rotation or a
/// head norm, rows of the others.
enum KernelWork: PoolWork {
  case linear(MatrixView, LinearWeight, into: MatrixView, by: ProductArithmetic)
  case addLinear(MatrixView, LinearWeight, to: MatrixView, by: ProductArithmetic)
  case inputGradient(MatrixView, weight: ConstantMatrixView, into: MatrixView, by: ProductArithmetic)
  case weightGradient(MatrixView, input: MatrixView, adding: Bool, into: MatrixView, by: ProductArithmetic)
  case norm(MatrixView, gain: UnsafePointer<Float>, into: MatrixView, inverseRoots: FloatPointer)
  case headNorm(HeadNorm, into: MatrixView)
  case swiGLU(MatrixView, into: MatrixView)
  case swiGLUBackward(MatrixView, hiddenGradient: MatrixView, into: MatrixView, hidden: MatrixView)
  case round(MatrixView, keepingIn: BrainFloatMatrix?)
  case expand(BrainFloatMatrix, into: MatrixView)
  case loss(LossRows)
  case lossAndGradient(LossRows)
  case rotate(MatrixView, RotaryTable, Segments)
  case rotateBack(MatrixView, RotaryTable, Segments)

  func perform(_ range: Range<Int>, part: Int) {
    switch self {
    case .linear(let x, let weight, let y, let arithmetic):
      MatrixProduct.linear(x, weight: weight.outputs(range), into: y.columns(range), by: arithmetic)
    case .addLinear(let x, let weight, let y, let arithmetic):
      MatrixProduct.addLinear(x, weight: weight.outputs(range), to: y.columns(range), by: arithmetic)
    case .inputGradient(let dy, let weight, let dx, let arithmetic):
      MatrixProduct.inputGradient(dy, weight: weight.columns(range), into: dx.columns(range), by: arithmetic)
    case .weightGradient(let dy, let x, let adding, let dW, let arithmetic):
      MatrixProduct.weightGradient(
        dy, input: x.columns(range), adding: adding, into: dW.columns(range), by: arithmetic)
    case .norm(let x, let gain, let y, let inverseRoots):
      RMSNorm.forward(
        x.rows(range), gain: gain, into: y.rows(range), inverseRoots: inverseRoots + range.lowerBound)
    case .headNorm(let norm, let heads): norm.forward(heads: range, into: heads)
    case .swiGLU(let gateUp, let hidden): SwiGLU.forward(gateUp.rows(range), into: hidden.rows(range))
    case .swiGLUBackward(let gateUp, let hiddenGradient, let gateUpGradient, let hidden):
      SwiGLU.backward(
        gateUp.rows(range), hiddenGradient: hiddenGradient.rows(range), into: gateUpGradient.rows(range),
        hidden: hidden.rows(range))
    case .round(let matrix, let kept): BrainFloat.round(matrix.rows(range), keepingIn: kept?.rows(range))
    case .expand(let kept, let matrix): BrainFloat.expand(kept.rows(range), into: matrix.rows(range))
    case .loss(let rows):
      let rows = rows[range]
      SoftmaxCrossEntropy.loss(rows.logits, targets: rows.targets, losses: rows.losses, correct: rows.correct)
    case .lossAndGradient(let rows):
      let rows = rows[range]
      SoftmaxCrossEntropy.lossAndGradient(
        rows.logits, targets: rows.targets, losses: rows.losses, correct: rows.correct)
    case .rotate(let x, let table, let segments):
      table.rotate(x.columns(columns(range, table)), heads: range.count, segments: segments)
    case .rotateBack(let x, let table, let segments):
      table.rotateBack(x.columns(columns(range, table)), heads: range.count, segments: segments)
    }
  }

  private func columns(_ heads: Range<Int>, _ table: RotaryTable) -> Range<Int> {
    heads.lowerBound * table.headSize..<heads.upperBound * table.headSize
  }
}

/// Rows of logits, with the target, loss and correctness of each row.
struct LossRows {
  let logits: MatrixView
  let targets: UnsafePointer<Int32>
  /// Nats.
  let losses: FloatPointer
  /// Whether the arg-max was right.
  let correct: UnsafeMutablePointer<Bool>

  subscript(range: Range<Int>) -> LossRows {
    LossRows(
      logits: logits.rows(range), targets: targets + range.lowerBound, losses: losses + range.lowerBound,
      correct: correct + range.lowerBound)
  }
}
