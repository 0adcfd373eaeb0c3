import HATKernels

/// A stack of Llama-style blocks over segments (docs/model.md §4): encoder, backbone and decoder are all this.
///
///     x ← x + O·attention(rope(Q·norm(x)), rope(K·norm(x)), V·norm(x))
///     x ← x + down·( silu(gate·norm(x)) ⊙ (up·norm(x)) )
///
/// With `StackShape.queryKeyNorm` each head of Q·norm(x) and K·norm(x) is normalised once more.
///
/// Positions and attention restart at each segment. The closing norm belongs to the module that uses the stack,
/// which may want it at some rows only.
struct TransformerStack {
  let shape: StackShape
  let tensors: StackTensors
  let routine: AttentionRoutine
  let rotary: RotaryTable
  let workspace: StackWorkspace
  let arena: Arena
  let kernels: ModelKernels
  let roundsActivations: Bool

  init(_ use: StackUse, tensors: StackTensors, scratch: StackScratch, arena: Arena, kernels: ModelKernels) {
    shape = use.shape
    routine = use.routine
    roundsActivations = use.roundsActivations
    rotary = RotaryTable(
      headSize: use.shape.headSize, theta: use.shape.ropeTheta, positions: use.longestSegment)
    self.tensors = tensors
    workspace = StackWorkspace(use, scratch: scratch, arena: arena)
    self.arena = arena
    self.kernels = kernels
  }

  /// [rows, width]: to be filled before `forward`.
  func input(rows: Int) -> MatrixView { view(workspace.input, rows) }

  /// [rows, width]: the residual stream after the last block; of a stack that gives leading rows, one for each segment.
  func output(rows: Int) -> MatrixView { view(workspace.output, rows) }

  /// Runs one block, keeping what `backward` needs; of a block that keeps no copy, until another block runs.
  func forward(layer: Int, segments: Segments, rows: Int, weights: Weights) {
    precondition(rows <= workspace.rows, "the batch exceeds the capacity the arena was planned for")
    let block = BlockViews(stack: self, layer: layer, rows: rows, weights: weights)
    project(block)
    attend(block, segments: segments)
    transform(block)
  }

  /// Queries, keys and values, normalised but not rotated.
  func project(_ block: BlockViews) {
    kernels.norm(
      block.input, gain: block.weights.inputNorm, into: block.normalized,
      inverseRoots: block.inputInverseRoots)
    kernels.linear(block.normalized, weight: block.weights.queryKeyValue, into: block.queryKeyValue)
    round(block.queryKeyValue, keepingIn: block.kept?.queryKeyValue)
    normalize(
      block.queryKeyNorm, queries: block.queryKeyValue.columns(shape.queries),
      keys: block.queryKeyValue.columns(shape.keys))
  }

  func attend(_ block: BlockViews, segments: Segments) {
    kernels.rotate(block.queriesAndKeys, rotary, heads: shape.heads + shape.keyValueHeads, segments: segments)
    kernels.attention(attention(block, segments), flops: attentionFLOPs(segments))
    round(block.attention, keepingIn: block.kept?.attention)
    kernels.rows(block.middle) { block.middle.copy(block.input) }
    kernels.addLinear(block.attention, weight: block.weights.attentionOutput, to: block.middle)
  }

  func transform(_ block: BlockViews) {
    kernels.norm(
      block.middle, gain: block.weights.postAttentionNorm, into: block.normalized,
      inverseRoots: block.middleInverseRoots)
    kernels.linear(block.normalized, weight: block.weights.gateUp, into: block.gateUp)
    round(block.gateUp, keepingIn: block.kept?.gateUp)
    kernels.swiGLU(block.gateUp, into: block.hidden)
    kernels.rows(block.output) { block.output.copy(block.middle) }
    kernels.addLinear(block.hidden, weight: block.weights.down, to: block.output)
  }

  /// The forward pass; with gradients, the backward pass.
  func attention(_ block: BlockViews, _ segments: Segments) -> AttentionWork {
    AttentionWork(
      routine: routine, shape: shape.attention, segments: segments, queryKeyValue: block.queryKeyValue,
      output: block.attention, logSumExp: block.logSumExp, scratch: attentionScratch)
  }

  var attentionScratch: AttentionScratch {
    let place = workspace.scratch.attention
    return AttentionScratch(
      base: arena.floats(place), floats: place.count / kernels.pool.threads,
      longestSegment: workspace.longestSegment)
  }

  /// Of the forward pass, causal attention as its lower triangle.
  func attentionFLOPs(_ segments: Segments) -> Int {
    (0..<segments.count).reduce(0) { sum, segment in
      let rows = segments.rows(segment).count
      return sum + 4 * shape.queryWidth * (shape.isCausal ? rows * (rows + 1) / 2 : rows * rows)
    }
  }

  func view(_ matrix: ArenaMatrix, _ rows: Int) -> MatrixView { arena.view(matrix, rows: rows) }
}

extension TransformerStack {
  /// Differentiates one block.
  /// - Parameters:
  ///   - residualGradient: [rows, width]; in: the loss by the block's output; out: the loss by its input.
  ///   - gradients: of the block's unit, whose part of the block this overwrites, or adds to.
  func backward(
    layer: Int, segments: Segments, residualGradient: MatrixView, weights: Weights, gradients: Gradients,
    isAdding: Bool
  ) {
    let rows = residualGradient.rows
    let block = BlockViews(stack: self, layer: layer, rows: rows, weights: weights)
    let gradients = BlockGradients(
      stack: self, layer: layer, rows: rows, gradients: gradients, isAdding: isAdding)
    if !isAdding {
      Vector.fillZero(gradients.weights.inputNorm, count: shape.width)
      Vector.fillZero(gradients.weights.postAttentionNorm, count: shape.width)
      _ = gradients.weights.queryKeyNorm?.map { Vector.fillZero($0, count: shape.headSize) }
    }
    fetch(block, segments: segments)
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
    kernels.inputGradient(residualGradient, weight: block.weights.attentionOutput, into: gradients.attention)
    var attention = attention(block, segments)
    attention.gradients = (gradients.attention, gradients.queryKeyValue)
    kernels.attention(attention, flops: 2 * attentionFLOPs(segments))
    kernels.rotateBack(
      gradients.queriesAndKeys, rotary, heads: shape.heads + shape.keyValueHeads, segments: segments)
  }

  func differentiateProject(
    _ block: BlockViews, _ gradients: BlockGradients, _ residualGradient: MatrixView
  ) {
    differentiateNorms(
      block.queryKeyNorm, queries: gradients.queryKeyValue.columns(shape.queries),
      keys: gradients.queryKeyValue.columns(shape.keys),
      addGainGradientsTo: gradients.weights.queryKeyNorm)
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
