import HATKernels

extension TransformerStack {
  /// Differentiates the blocks of the last `forward`, last block first.
  /// - Parameters:
  ///   - residualGradient: [rows, width]; in: the loss by `output`; out: the loss by `input`.
  ///   - gradient: the flat gradient buffer, which this adds to.
  func backward(
    segments: Segments, residualGradient: MatrixView, parameters: UnsafePointer<Float>,
    gradient: FloatPointer
  ) {
    for layer in workspace.blocks.indices.reversed() {
      backward(
        layer: layer, segments: segments, residualGradient: residualGradient, parameters: parameters,
        gradient: gradient)
    }
  }

  /// Differentiates one block.
  func backward(
    layer: Int, segments: Segments, residualGradient: MatrixView, parameters: UnsafePointer<Float>,
    gradient: FloatPointer
  ) {
    let rows = residualGradient.rows
    let block = BlockViews(stack: self, layer: layer, rows: rows, parameters: parameters)
    let gradients = BlockGradients(stack: self, layer: layer, rows: rows, gradient: gradient)
    differentiateTransform(block, gradients, residualGradient)
    differentiateAttend(block, gradients, residualGradient, segments: segments)
  }

  private func differentiateTransform(
    _ block: BlockViews, _ gradients: BlockGradients, _ residualGradient: MatrixView
  ) {
    kernels.inputGradient(residualGradient, weight: block.weights.down, into: gradients.hidden)
    kernels.swiGLUBackward(
      block.gateUp, hiddenGradient: gradients.hidden, into: block.gateUp, hidden: block.hidden)
    kernels.addWeightGradient(residualGradient, input: block.hidden, to: gradients.weights.down)

    kernels.norm(
      block.middle, gain: block.weights.postAttentionNorm, into: block.normalized,
      inverseRoots: block.middleInverseRoots)
    kernels.addWeightGradient(block.gateUp, input: block.normalized, to: gradients.weights.gateUp)
    kernels.inputGradient(block.gateUp, weight: block.weights.gateUp, into: gradients.normalized)
    kernels.normBackward(
      block.middle, gain: block.weights.postAttentionNorm, inverseRoots: block.middleInverseRoots,
      outputGradient: gradients.normalized, addInputGradientTo: residualGradient,
      addGainGradientTo: gradients.weights.postAttentionNorm)
  }

  private func differentiateAttend(
    _ block: BlockViews, _ gradients: BlockGradients, _ residualGradient: MatrixView, segments: Segments
  ) {
    kernels.addWeightGradient(
      residualGradient, input: block.attention, to: gradients.weights.attentionOutput)
    kernels.inputGradient(
      residualGradient, weight: block.weights.attentionOutput, into: gradients.attention)
    kernels.attention(routine, flops: 2 * attentionFLOPs(segments)) {
      routine.backward(
        block.queryKeyValue, segments: segments, shape: shape.attention, output: block.attention,
        logSumExp: block.logSumExp, outputGradient: gradients.attention, into: gradients.queryKeyValue,
        scratch: arena.floats(workspace.scratch.attention))
    }
    kernels.rotateBack(
      gradients.queriesAndKeys, rotary, heads: shape.heads + shape.keyValueHeads, segments: segments)

    kernels.norm(
      block.input, gain: block.weights.inputNorm, into: block.normalized,
      inverseRoots: block.inputInverseRoots)
    kernels.addWeightGradient(
      gradients.queryKeyValue, input: block.normalized, to: gradients.weights.queryKeyValue)
    kernels.inputGradient(
      gradients.queryKeyValue, weight: block.weights.queryKeyValue, into: gradients.normalized)
    kernels.normBackward(
      block.input, gain: block.weights.inputNorm, inverseRoots: block.inputInverseRoots,
      outputGradient: gradients.normalized, addInputGradientTo: residualGradient,
      addGainGradientTo: gradients.weights.inputNorm)
  }
}
