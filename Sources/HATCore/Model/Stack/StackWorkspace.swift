import HATKernels

/// Where one stack keeps what its backward pass needs, for up to `rows` rows.
struct StackWorkspace {
  /// What one block keeps. Legend: R rows, H heads, F MLP width. Where a block keeps its activations in bfloat16, all blocks share
  /// the places of floats but those of the residual stream and `logSumExp`.
  struct Block {
    /// [R, width], the residual stream before the block.
    fileprivate(set) var input: ArenaMatrix
    /// [R]
    let inputInverseRoots: ArenaPlace
    /// [R, queryKeyValueWidth], rotated.
    let queryKeyValue: ArenaMatrix
    let queryKeyNorm: QueryKeyPair<HeadNormPlaces>?
    /// [R, H]
    fileprivate(set) var logSumExp: ArenaPlace
    /// [R, queryWidth], what attention gave.
    let attention: ArenaMatrix
    /// [R, width], the residual stream between attention and MLP.
    fileprivate(set) var middle: ArenaMatrix
    /// [R]
    let middleInverseRoots: ArenaPlace
    /// [R, 2F]; the backward pass overwrites it with its gradient.
    let gateUp: ArenaMatrix
    fileprivate(set) var kept: KeptActivations?

    init(_ shape: StackShape, rows: Int, arena: Arena) {
      input = arena.reserve(rows: rows, columns: shape.width)
      inputInverseRoots = arena.reserve(rows)
      queryKeyValue = arena.reserve(rows: rows, columns: shape.queryKeyValueWidth)
      queryKeyNorm = HeadNormPlaces.pair(shape, rows: rows, arena: arena)
      logSumExp = arena.reserve(rows * shape.heads)
      attention = arena.reserve(rows: rows, columns: shape.queryWidth)
      middle = arena.reserve(rows: rows, columns: shape.width)
      middleInverseRoots = arena.reserve(rows)
      gateUp = arena.reserve(rows: rows, columns: 2 * shape.mlpHidden)
    }
  }

  /// What the last block needs where it runs at each segment's first row. Legend: S segments, at most R.
  struct Leading {
    /// [S, width], normalised rows.
    let normalized: ArenaMatrix
    /// [S, queryWidth]
    let queries: ArenaMatrix
    /// [R, width]
    let residualGradient: ArenaMatrix
  }

  let rows: Int
  /// Rows of a segment, at most.
  let longestSegment: Int
  let blocks: [Block]
  /// [R, width], the residual stream after the last block.
  let output: ArenaMatrix
  /// Only for a stack that gives leading rows.
  let leading: Leading?
  let scratch: StackScratch

  init(_ use: StackUse, scratch: StackScratch, arena: Arena) {
    let (shape, rows) = (use.shape, use.rows)
    self.rows = rows
    longestSegment = use.longestSegment
    self.scratch = scratch
    let first = Block(shape, rows: rows, arena: arena)
    blocks = (0..<shape.layers).map { layer in
      if use.recomputesBlocks || use.roundsActivations {
        var block = first
        if layer > 0 { block.input = arena.reserve(rows: rows, columns: shape.width) }
        if use.recomputesBlocks { return block }
        if layer > 0 {
          block.middle = arena.reserve(rows: rows, columns: shape.width)
          block.logSumExp = arena.reserve(rows * shape.heads)
        }
        // The last block's floats are still there when its backward pass begins.
        if layer + 1 < shape.layers { block.kept = KeptActivations(shape, rows: rows, arena: arena) }
        return block
      }
      return layer == 0 ? first : Block(shape, rows: rows, arena: arena)
    }
    output = arena.reserve(rows: rows, columns: shape.width)
    leading =
      use.givesLeadingRows
      ? Leading(
        normalized: arena.reserve(rows: rows, columns: shape.width),
        queries: arena.reserve(rows: rows, columns: shape.queryWidth),
        residualGradient: arena.reserve(rows: rows, columns: shape.width)) : nil
  }

  /// The residual stream before the first block: what the caller fills.
  var input: ArenaMatrix { blocks[0].input }
}

/// Areas a stack uses only while it runs. The three modules run one after another and share them.
struct StackScratch {
  /// Floats: [R, width] normalised rows, or their gradient.
  let normalized: ArenaPlace
  /// [R, F] SwiGLU's output.
  let hidden: ArenaPlace
  /// The gradient by `hidden` [R, F] while the MLP is differentiated, and by what attention gave [R, queryWidth] afterwards.
  let branchGradient: ArenaPlace
  /// [R, queryKeyValueWidth]
  let queryKeyValueGradient: ArenaPlace
  /// [R, width] gradient of normalised rows.
  let normalizedGradient: ArenaPlace
  /// Of each thread.
  let attention: ArenaPlace

  init(for uses: [StackUse], arena: Arena, threads: Int = 1) {
    func reserveLargest(threads: Int = 1, _ floats: (StackUse) -> Int) -> ArenaPlace {
      arena.reserve(threads * (((uses.map(floats).max() ?? 0) + 15) / 16 * 16))
    }
    normalized = reserveLargest { $0.shape.width * $0.rows }
    hidden = reserveLargest { $0.shape.mlpHidden * $0.rows }
    branchGradient = reserveLargest { max($0.shape.mlpHidden, $0.shape.queryWidth) * $0.rows }
    queryKeyValueGradient = reserveLargest { $0.shape.queryKeyValueWidth * $0.rows }
    normalizedGradient = reserveLargest { $0.shape.width * $0.rows }
    attention = reserveLargest(threads: threads) {
      max(
        $0.routine.scratchCount($0.shape.attention, longestSegment: $0.longestSegment),
        $0.givesLeadingRows ? LeadingAttention.scratchCount(longestSegment: $0.longestSegment) : 0)
    }
  }
}

/// How a module uses its stack: what sizes its part of the arena.
struct StackUse {
  let shape: StackShape
  let routine: AttentionRoutine
  /// Rows of a batch, at most.
  let rows: Int
  /// Rows of a segment, at most.
  let longestSegment: Int
  /// Whether only each segment's first row is read of the last block.
  var givesLeadingRows = false
  /// Whether a block keeps only its input, and runs forward again before it is differentiated.
  var recomputesBlocks = false
  /// Whether what attention and SwiGLU read is rounded to bfloat16, and kept so.
  var roundsActivations = false
}

/// One block's weights and activations, as views; legend as in `StackWorkspace.Block`.
struct BlockViews {
  let weights: BlockWeights

  let input: MatrixView
  let inputInverseRoots: FloatPointer
  let queryKeyValue: MatrixView
  /// The columns the rotary positions apply to.
  let queriesAndKeys: MatrixView
  let queryKeyNorm: QueryKeyPair<HeadNorm>?
  let logSumExp: FloatPointer
  let attention: MatrixView
  let middle: MatrixView
  let middleInverseRoots: FloatPointer
  let gateUp: MatrixView
  let kept: KeptActivations.Views?
  /// The residual stream after the block: the next block's input.
  let output: MatrixView

  /// Shared by all blocks, valid only while one runs.
  let normalized: MatrixView
  let hidden: MatrixView

  init(stack: TransformerStack, layer: Int, rows: Int, weights: Weights) {
    let shape = stack.shape
    self.weights = weights[stack.tensors.blocks[layer]]

    let (blocks, arena) = (stack.workspace.blocks, stack.arena)
    let places = blocks[layer]
    input = stack.view(places.input, rows)
    inputInverseRoots = arena.floats(places.inputInverseRoots)
    queryKeyValue = stack.view(places.queryKeyValue, rows)
    queriesAndKeys = queryKeyValue.columns(0..<shape.queryWidth + shape.keyValueWidth)
    queryKeyNorm = places.queryKeyNorm?.norms(rows: rows, gains: self.weights.queryKeyNorm, arena)
    logSumExp = arena.floats(places.logSumExp)
    attention = stack.view(places.attention, rows)
    middle = stack.view(places.middle, rows)
    middleInverseRoots = arena.floats(places.middleInverseRoots)
    gateUp = stack.view(places.gateUp, rows)
    kept = places.kept?.views(rows: rows, arena)
    output = layer + 1 < blocks.count ? stack.view(blocks[layer + 1].input, rows) : stack.output(rows: rows)

    let scratch = stack.workspace.scratch
    normalized = arena.view(scratch.normalized, rows: rows, columns: shape.width)
    hidden = arena.view(scratch.hidden, rows: rows, columns: shape.mlpHidden)
  }
}

/// One block's gradients, as views: those of its weights are in the unit's gradients, those of its activations in scratch.
struct BlockGradients {
  let weights: BlockWeightGradients
  /// Whether the weights' gradients are added to what is there.
  let isAdding: Bool

  /// [R, F]
  let hidden: MatrixView
  /// [R, queryWidth], in the same floats as `hidden`, which is no longer needed.
  let attention: MatrixView
  let queryKeyValue: MatrixView
  let queriesAndKeys: MatrixView
  let normalized: MatrixView

  init(stack: TransformerStack, layer: Int, rows: Int, gradients: Gradients, isAdding: Bool) {
    self.isAdding = isAdding
    let (shape, arena, scratch) = (stack.shape, stack.arena, stack.workspace.scratch)
    weights = gradients[stack.tensors.blocks[layer]]

    hidden = arena.view(scratch.branchGradient, rows: rows, columns: shape.mlpHidden)
    attention = arena.view(scratch.branchGradient, rows: rows, columns: shape.queryWidth)
    queryKeyValue = arena.view(scratch.queryKeyValueGradient, rows: rows, columns: shape.queryKeyValueWidth)
    queriesAndKeys = queryKeyValue.columns(0..<shape.queryWidth + shape.keyValueWidth)
    normalized = arena.view(scratch.normalizedGradient, rows: rows, columns: shape.width)
  }
}
