import HATKernels

/// One block's weights and activations, as views; legend as in `StackWorkspace.Block`.
struct BlockViews {
  let weights: BlockMatrices

  let input: MatrixView
  let inputInverseRoots: FloatPointer
  let queryKeyValue: MatrixView
  /// The columns the rotary positions apply to.
  let queriesAndKeys: MatrixView
  let logSumExp: FloatPointer
  let attention: MatrixView
  let middle: MatrixView
  let middleInverseRoots: FloatPointer
  let gateUp: MatrixView
  /// The residual stream after the block: the next block's input.
  let output: MatrixView

  /// Shared by all blocks, valid only while one runs.
  let normalized: MatrixView
  let hidden: MatrixView

  init(stack: TransformerStack, layer: Int, rows: Int, parameters: UnsafePointer<Float>) {
    let shape = stack.shape
    // Views are of mutable floats; the weights are only read.
    weights = BlockMatrices(shape, stack.offsets.blocks[layer], in: FloatPointer(mutating: parameters))

    let (blocks, arena) = (stack.workspace.blocks, stack.arena)
    let places = blocks[layer]
    input = stack.view(places.input, rows)
    inputInverseRoots = arena.floats(places.inputInverseRoots)
    queryKeyValue = stack.view(places.queryKeyValue, rows)
    queriesAndKeys = queryKeyValue.columns(0..<shape.queryWidth + shape.keyValueWidth)
    logSumExp = arena.floats(places.logSumExp)
    attention = stack.view(places.attention, rows)
    middle = stack.view(places.middle, rows)
    middleInverseRoots = arena.floats(places.middleInverseRoots)
    gateUp = stack.view(places.gateUp, rows)
    output = layer + 1 < blocks.count ? stack.view(blocks[layer + 1].input, rows) : stack.output(rows: rows)

    let scratch = stack.workspace.scratch
    normalized = arena.view(scratch.normalized, rows: rows, columns: shape.width)
    hidden = arena.view(scratch.hidden, rows: rows, columns: shape.mlpHidden)
  }
}

/// One block's gradients, as views: of its weights in the flat gradient buffer, of its activations in scratch.
struct BlockGradients {
  let weights: BlockMatrices
  /// Whether other rows' gradients of the weights are there already.
  let isAdding: Bool

  /// [R, F]
  let hidden: MatrixView
  /// [R, queryWidth], in the same floats as `hidden`, which is done with by then.
  let attention: MatrixView
  let queryKeyValue: MatrixView
  let queriesAndKeys: MatrixView
  let normalized: MatrixView

  init(stack: TransformerStack, layer: Int, rows: Int, gradient: FloatPointer, isAdding: Bool) {
    self.isAdding = isAdding
    let (shape, arena, scratch) = (stack.shape, stack.arena, stack.workspace.scratch)
    weights = BlockMatrices(shape, stack.offsets.blocks[layer], in: gradient)

    hidden = arena.view(scratch.branchGradient, rows: rows, columns: shape.mlpHidden)
    attention = arena.view(scratch.branchGradient, rows: rows, columns: shape.queryWidth)
    queryKeyValue = arena.view(scratch.queryKeyValueGradient, rows: rows, columns: shape.queryKeyValueWidth)
    queriesAndKeys = queryKeyValue.columns(0..<shape.queryWidth + shape.keyValueWidth)
    normalized = arena.view(scratch.normalizedGradient, rows: rows, columns: shape.width)
  }
}

/// The tensors of one block in a buffer of the parameters' layout: weights, or their gradients.
struct BlockMatrices {
  let inputNorm: FloatPointer
  let queryKeyValue: MatrixView
  let attentionOutput: MatrixView
  let postAttentionNorm: FloatPointer
  let gateUp: MatrixView
  let down: MatrixView

  init(_ shape: StackShape, _ offsets: BlockOffsets, in buffer: FloatPointer) {
    inputNorm = buffer + offsets.inputNorm
    queryKeyValue = MatrixView(
      buffer + offsets.queryKeyValue, rows: shape.queryKeyValueWidth, columns: shape.width)
    attentionOutput = MatrixView(
      buffer + offsets.attentionOutput, rows: shape.width, columns: shape.queryWidth)
    postAttentionNorm = buffer + offsets.postAttentionNorm
    gateUp = MatrixView(buffer + offsets.gateUp, rows: 2 * shape.mlpHidden, columns: shape.width)
    down = MatrixView(buffer + offsets.down, rows: shape.width, columns: shape.mlpHidden)
  }
}
