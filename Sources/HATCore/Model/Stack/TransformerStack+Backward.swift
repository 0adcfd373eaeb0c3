import HATKernels

extension TransformerStack {
  /// Differentiates one block.
  /// - Parameters:
  ///   - residualGradient: [rows, width]; in: the loss by the block's output; out: the loss by its input.
  ///   - gradient: the flat gradient buffer, whose part of the block this overwrites, or adds to.
  func backward(
    layer: Int, segments: Segments, residualGradient: MatrixView, parameters: UnsafePointer<Float>,
    gradient: FloatPointer, isAdding: Bool
  ) {
    let rows = residualGradient.rows
    let block = BlockViews(stack: self, layer: layer, rows: rows, parameters: parameters)
    let gradients = BlockGradients(
      stack: self, layer: layer, rows: rows, gradient: gradient, isAdding: isAdding)
    if !isAdding {
      Vector.fillZero(gradients.weights.inputNorm, count: shape.width)
      Vector.fillZero(gradients.weights.postAttentionNorm, count: shape.width)
    }
    differentiateTransform(block, gradients, residualGradient)
    differentiateAttend(block, gradients, residualGradient, segments: segments)
    differentiateProject(block, gradients, residualGradient)
  }

  func differentiateTransform(
    _ block: BlockViews, _ gradients: BlockGradients, _ residualGradient: MatrixView
  ) {
    kernels.inputGradient(residualGradient, weight: block.weights.down, into: gradients.hidden)
    kernels.swiGLUBackward(
      block.gateUp, hiddenGradient: gradients.hidden, into: block.gateUp, hidden: block.hidden)
    kernels.weightGradient(
      residualGradient, input: block.hidden, adding: gradients.isAdding, into: gradients.weights.down)

    kernels.norm(
      block.middle, gain: block.weights.postAttentionNorm, into: block.normalized,
      inverseRoots: block.middleInverseRoots)
    kernels.weightGradient(
      block.gateUp, input: block.normalized, adding: gradients.isAdding, into: gradients.weights.gateUp)
    kernels.inputGradient(block.gateUp, weight: block.weights.gateUp, into: gradients.normalized)
    kernels.normBackward(
      block.middle, gain: block.weights.postAttentionNorm, inverseRoots: block.middleInverseRoots,
      outputGradient: gradients.normalized, addInputGradientTo: residualGradient,
      addGainGradientTo: gradients.weights.postAttentionNorm)
  }

  /// From the residual stream to queries, keys and values before rotation.
  func differentiateAttend(
    _ block: BlockViews, _ gradients: BlockGradients, _ residualGradient: MatrixView, segments: Segments
  ) {
    kernels.weightGradient(
      residualGradient, input: block.attention, adding: gradients.isAdding,
      into: gradients.weights.attentionOutput)
    kernels.inputGradient(
      residualGradient, weight: block.weights.attentionOutput, into: gradients.attention)
    var attention = attention(block, segments)
    attention.gradients = (gradients.attention, gradients.queryKeyValue)
    kernels.attention(attention, flops: 2 * attentionFLOPs(segments))
    kernels.rotateBack(
      gradients.queriesAndKeys, rotary, heads: shape.heads + shape.keyValueHeads, segments: segments)
  }

  func differentiateProject(
    _ block: BlockViews, _ gradients: BlockGradients, _ residualGradient: MatrixView
  ) {
    kernels.norm(
      block.input, gain: block.weights.inputNorm, into: block.normalized,
      inverseRoots: block.inputInverseRoots)
    kernels.weightGradient(
      gradients.queryKeyValue, input: block.normalized, adding: gradients.isAdding,
      into: gradients.weights.queryKeyValue)
    kernels.inputGradient(
      gradients.queryKeyValue, weight: block.weights.queryKeyValue, into: gradients.normalized)
    kernels.normBackward(
      block.input, gain: block.weights.inputNorm, inverseRoots: block.inputInverseRoots,
      outputGradient: gradients.normalized, addInputGradientTo: residualGradient,
      addGainGradientTo: gradients.weights.inputNorm)
  }
}
