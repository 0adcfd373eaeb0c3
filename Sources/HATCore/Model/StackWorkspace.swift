import HATKernels

/// Where one stack keeps what its backward pass needs, for up to `rows` rows.
struct StackWorkspace {
  /// What one block keeps. Legend: R rows, H heads, F MLP width.
  struct Block {
    /// [R, width], the residual stream before the block.
    let input: MatrixPlace
    /// [R]
    let inputInverseRoots: Int
    /// [R, queryKeyValueWidth], rotated.
    let queryKeyValue: MatrixPlace
    /// [R, H]
    let logSumExp: Int
    /// [R, queryWidth], what attention gave.
    let attention: MatrixPlace
    /// [R, width], the residual stream between attention and MLP.
    let middle: MatrixPlace
    /// [R]
    let middleInverseRoots: Int
    /// [R, 2F]; the backward pass overwrites it with its gradient.
    let gateUp: MatrixPlace
  }

  let rows: Int
  let blocks: [Block]
  /// [R, width], the residual stream after the last block.
  let output: MatrixPlace
  let scratch: StackScratch

  init(_ use: StackUse, scratch: StackScratch, plan: inout ArenaPlan) {
    let (shape, rows) = (use.shape, use.rows)
    self.rows = rows
    self.scratch = scratch
    blocks = (0..<shape.layers).map { _ in
      Block(
        input: plan.reserve(rows: rows, columns: shape.width),
        inputInverseRoots: plan.reserve(rows),
        queryKeyValue: plan.reserve(rows: rows, columns: shape.queryKeyValueWidth),
        logSumExp: plan.reserve(rows * shape.heads),
        attention: plan.reserve(rows: rows, columns: shape.queryWidth),
        middle: plan.reserve(rows: rows, columns: shape.width),
        middleInverseRoots: plan.reserve(rows),
        gateUp: plan.reserve(rows: rows, columns: 2 * shape.mlpHidden))
    }
    output = plan.reserve(rows: rows, columns: shape.width)
  }

  /// The residual stream before the first block: what the caller fills.
  var input: MatrixPlace { blocks[0].input }
}

/// Areas a stack uses only while it runs; the three modules, which run one after another, share them.
struct StackScratch {
  /// Floats: [R, width] normalised rows, or their gradient.
  let normalized: Int
  /// [R, F] SwiGLU's output.
  let hidden: Int
  /// [R, F] its gradient; in the other half of a block [R, queryWidth] attention's.
  let branchGradient: Int
  /// [R, queryKeyValueWidth]
  let queryKeyValueGradient: Int
  /// [R, width] gradient of normalised rows.
  let normalizedGradient: Int
  let attention: Int

  init(for uses: [StackUse], plan: inout ArenaPlan) {
    func reserveLargest(_ floats: (StackUse) -> Int) -> Int {
      plan.reserve(uses.map(floats).max() ?? 0)
    }
    normalized = reserveLargest { $0.shape.width * $0.rows }
    hidden = reserveLargest { $0.shape.mlpHidden * $0.rows }
    branchGradient = reserveLargest { max($0.shape.mlpHidden, $0.shape.queryWidth) * $0.rows }
    queryKeyValueGradient = reserveLargest { $0.shape.queryKeyValueWidth * $0.rows }
    normalizedGradient = reserveLargest { $0.shape.width * $0.rows }
    attention = reserveLargest {
      $0.routine.scratchCount($0.shape.attention, longestSegment: $0.longestSegment)
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
}
