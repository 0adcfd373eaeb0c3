import HATKernels

/// The kernels as the modules call them: each call is measured while the profile is on.
struct ModelKernels {
  let profile: StepProfile

  func linear(_ x: MatrixView, weight: LinearWeight, into y: MatrixView) {
    profile.measure(.product, flops(x, y.columns)) { MatrixProduct.linear(x, weight: weight, into: y) }
  }

  func addLinear(_ x: MatrixView, weight: LinearWeight, to y: MatrixView) {
    profile.measure(.product, flops(x, y.columns)) { MatrixProduct.addLinear(x, weight: weight, to: y) }
  }

  func inputGradient(_ outputGradient: MatrixView, weight: MatrixView, into dx: MatrixView) {
    profile.measure(.product, flops(outputGradient, dx.columns)) {
      MatrixProduct.inputGradient(outputGradient, weight: weight, into: dx)
    }
  }

  func addWeightGradient(_ outputGradient: MatrixView, input x: MatrixView, to dW: MatrixView) {
    profile.measure(.product, flops(outputGradient, x.columns)) {
      MatrixProduct.addWeightGradient(outputGradient, input: x, to: dW)
    }
  }

  func norm(
    _ x: MatrixView, gain: UnsafePointer<Float>, into y: MatrixView, inverseRoots: FloatPointer
  ) {
    profile.measure(.norm, bytes(x) + bytes(y)) {
      RMSNorm.forward(x, gain: gain, into: y, inverseRoots: inverseRoots)
    }
  }

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
    profile.measure(.rotary, 2 * bytes(x)) { table.rotate(x, heads: heads, segments: segments) }
  }

  func rotateBack(_ x: MatrixView, _ table: RotaryTable, heads: Int, segments: Segments) {
    profile.measure(.rotary, 2 * bytes(x)) { table.rotateBack(x, heads: heads, segments: segments) }
  }

  func swiGLU(_ gateUp: MatrixView, into hidden: MatrixView) {
    profile.measure(.swiGLU, bytes(gateUp) + bytes(hidden)) { SwiGLU.forward(gateUp, into: hidden) }
  }

  func swiGLUBackward(
    _ gateUp: MatrixView, hiddenGradient: MatrixView, into gateUpGradient: MatrixView, hidden: MatrixView
  ) {
    profile.measure(.swiGLU, 2 * bytes(gateUp) + 2 * bytes(hidden)) {
      SwiGLU.backward(gateUp, hiddenGradient: hiddenGradient, into: gateUpGradient, hidden: hidden)
    }
  }

  /// Work on rows that is neither arithmetic nor one of the kernels above.
  func rows(_ matrix: MatrixView, passes: Int = 2, _ body: () -> Void) {
    profile.measure(.rows, passes * bytes(matrix), body)
  }

  func loss(_ logits: MatrixView, _ body: () -> Void) {
    profile.measure(.loss, 2 * bytes(logits), body)
  }

  func attention(_ routine: AttentionRoutine, flops: Int, _ body: () -> Void) {
    profile.measure(routine == .words ? .wordAttention : .documentAttention, flops, body)
  }

  private func flops(_ x: MatrixView, _ columns: Int) -> Int { 2 * x.rows * x.columns * columns }
  private func bytes(_ matrix: MatrixView) -> Int { 4 * matrix.rows * matrix.columns }
}
