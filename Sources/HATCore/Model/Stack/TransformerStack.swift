import HATKernels

/// A stack of Llama-style blocks over segments (model.md §4): encoder, backbone and decoder are all this.
///
///     x ← x + O·attention(rope(Q·norm(x)), rope(K·norm(x)), V·norm(x))
///     x ← x + down·( silu(gate·norm(x)) ⊙ (up·norm(x)) )
///
/// Positions and attention restart at each segment. The closing norm belongs to the module that uses the stack,
/// which may want it at some rows only.
struct TransformerStack {
  let shape: StackShape
  let offsets: StackOffsets
  let routine: AttentionRoutine
  let rotary: RotaryTable
  let workspace: StackWorkspace
  let arena: Arena

  init(
    _ use: StackUse, offsets: StackOffsets, scratch: StackScratch, arena: Arena
  ) {
    shape = use.shape
    routine = use.routine
    rotary = RotaryTable(
      headSize: use.shape.headSize, theta: use.shape.ropeTheta, positions: use.longestSegment)
    self.offsets = offsets
    workspace = StackWorkspace(use, scratch: scratch, arena: arena)
    self.arena = arena
  }

  /// [rows, width]: to be filled before `forward`.
  func input(rows: Int) -> MatrixView {
    view(workspace.input, rows)
  }

  /// [rows, width]: the residual stream after the last block.
  func output(rows: Int) -> MatrixView {
    view(workspace.output, rows)
  }

  /// Runs the blocks from `input` to `output`, keeping what `backward` needs.
  func forward(segments: Segments, rows: Int, parameters: UnsafePointer<Float>) {
    for layer in workspace.blocks.indices {
      forward(layer: layer, segments: segments, rows: rows, parameters: parameters)
    }
  }

  /// Runs one block.
  func forward(layer: Int, segments: Segments, rows: Int, parameters: UnsafePointer<Float>) {
    precondition(rows <= workspace.rows, "the batch exceeds the capacity the arena was planned for")
    let block = BlockViews(stack: self, layer: layer, rows: rows, parameters: parameters)
    attend(block, segments: segments)
    transform(block)
  }

  private func attend(_ block: BlockViews, segments: Segments) {
    RMSNorm.forward(
      block.input, gain: block.weights.inputNorm, into: block.normalized,
      inverseRoots: block.inputInverseRoots)
    MatrixProduct.linear(block.normalized, weight: block.weights.queryKeyValue, into: block.queryKeyValue)
    rotary.rotate(block.queriesAndKeys, heads: shape.heads + shape.keyValueHeads, segments: segments)
    routine.forward(
      block.queryKeyValue, segments: segments, shape: shape.attention, into: block.attention,
      logSumExp: block.logSumExp, scratch: arena.floats(workspace.scratch.attention))
    block.middle.copy(block.input)
    MatrixProduct.addLinear(block.attention, weight: block.weights.attentionOutput, to: block.middle)
  }

  private func transform(_ block: BlockViews) {
    RMSNorm.forward(
      block.middle, gain: block.weights.postAttentionNorm, into: block.normalized,
      inverseRoots: block.middleInverseRoots)
    MatrixProduct.linear(block.normalized, weight: block.weights.gateUp, into: block.gateUp)
    SwiGLU.forward(block.gateUp, into: block.hidden)
    block.output.copy(block.middle)
    MatrixProduct.addLinear(block.hidden, weight: block.weights.down, to: block.output)
  }

  func view(_ matrix: ArenaMatrix, _ rows: Int) -> MatrixView {
    arena.view(matrix, rows: rows)
  }
}
