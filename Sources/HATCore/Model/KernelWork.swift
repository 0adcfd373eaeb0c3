import HATKernels

/// One call of a kernel, as the threads of a rank share it: columns of a product, rows of the others, heads of a rotation.
enum KernelWork: PoolWork {
  case linear(MatrixView, LinearWeight, into: MatrixView, by: ProductArithmetic)
  case addLinear(MatrixView, LinearWeight, to: MatrixView, by: ProductArithmetic)
  case inputGradient(MatrixView, weight: ConstantMatrixView, into: MatrixView, by: ProductArithmetic)
  case weightGradient(MatrixView, input: MatrixView, adding: Bool, into: MatrixView, by: ProductArithmetic)
  case norm(MatrixView, gain: UnsafePointer<Float>, into: MatrixView, inverseRoots: FloatPointer)
  case swiGLU(MatrixView, into: MatrixView)
  case swiGLUBackward(
    MatrixView, hiddenGradient: MatrixView, into: MatrixView, hidden: MatrixView)
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
      MatrixProduct.inputGradient(
        dy, weight: weight.columns(range), into: dx.columns(range), by: arithmetic)
    case .weightGradient(let dy, let x, let adding, let dW, let arithmetic):
      MatrixProduct.weightGradient(
        dy, input: x.columns(range), adding: adding, into: dW.columns(range), by: arithmetic)
    case .norm(let x, let gain, let y, let inverseRoots):
      RMSNorm.forward(
        x.rows(range), gain: gain, into: y.rows(range), inverseRoots: inverseRoots + range.lowerBound)
    case .swiGLU(let gateUp, let hidden):
      SwiGLU.forward(gateUp.rows(range), into: hidden.rows(range))
    case .swiGLUBackward(let gateUp, let hiddenGradient, let gateUpGradient, let hidden):
      SwiGLU.backward(
        gateUp.rows(range), hiddenGradient: hiddenGradient.rows(range), into: gateUpGradient.rows(range),
        hidden: hidden.rows(range))
    case .loss(let rows):
      let rows = rows[range]
      SoftmaxCrossEntropy.loss(
        rows.logits, targets: rows.targets, losses: rows.losses, correct: rows.correct)
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

/// Rows of logits, and what the loss reads and writes beside them: one of each a row.
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
