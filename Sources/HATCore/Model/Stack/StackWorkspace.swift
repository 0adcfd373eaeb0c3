import HATKernels

/// Where one stack keeps what its backward pass needs, for up to `rows` rows.
struct StackWorkspace {
  /// What one block keeps. Legend: R rows, H heads, F MLP width.
  struct Block {
    /// [R, width], the residual stream before the block.
    let input: ArenaMatrix
    /// [R]
    let inputInverseRoots: ArenaPlace
    /// [R, queryKeyValueWidth], rotated.
    let queryKeyValue: ArenaMatrix
    /// [R, H]
    let logSumExp: ArenaPlace
    /// [R, queryWidth], what attention gave.
    let attention: ArenaMatrix
    /// [R, width], the residual stream between attention and MLP.
    let middle: ArenaMatrix
    /// [R]
    let middleInverseRoots: ArenaPlace
    /// [R, 2F]; the backward pass overwrites it with its gradient.
    let gateUp: ArenaMatrix

    init(_ shape: StackShape, rows: Int, arena: Arena) {
      input = arena.reserve(rows: rows, columns: shape.width)
      inputInverseRoots = arena.reserve(rows)
      queryKeyValue = arena.reserve(rows: rows, columns: shape.queryKeyValueWidth)
      logSumExp = arena.reserve(rows * shape.heads)
      attention = arena.reserve(rows: rows, columns: shape.queryWidth)
      middle = arena.reserve(rows: rows, columns: shape.width)
      middleInverseRoots = arena.reserve(rows)
      gateUp = arena.reserve(rows: rows, columns: 2 * shape.mlpHidden)
    }

    /// All of another block's places but the input.
    init(_ shared: Block, input: ArenaMatrix) {
      self.input = input
      inputInverseRoots = shared.inputInverseRoots
      queryKeyValue = shared.queryKeyValue
      logSumExp = shared.logSumExp
      attention = shared.attention
      middle = shared.middle
      middleInverseRoots = shared.middleInverseRoots
      gateUp = shared.gateUp
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
  let blocks: [Block]
  /// [R, width], the residual stream after the last block.
  let output: ArenaMatrix
  /// Of a stack that gives leading rows.
  let leading: Leading?
  let scratch: StackScratch

  init(_ use: StackUse, scratch: StackScratch, arena: Arena) {
    let (shape, rows) = (use.shape, use.rows)
    self.rows = rows
    self.scratch = scratch
    let first = Block(shape, rows: rows, arena: arena)
    blocks = (0..<shape.layers).map { layer in
      if layer == 0 { return first }
      return use.recomputesBlocks
        ? Block(first, input: arena.reserve(rows: rows, columns: shape.width))
        : Block(shape, rows: rows, arena: arena)
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

/// Areas a stack uses only while it runs; the three modules, which run one after another, share them.
struct StackScratch {
  /// Floats: [R, width] normalised rows, or their gradient.
  let normalized: ArenaPlace
  /// [R, F] SwiGLU's output.
  let hidden: ArenaPlace
  /// [R, F] its gradient; in the other half of a block [R, queryWidth] attention's.
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
  /// Whether a block keeps its input alone, and runs forward again before it is differentiated.
  var recomputesBlocks = false
}
