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
  }

  let rows: Int
  let blocks: [Block]
  /// [R, width], the residual stream after the last block.
  let output: ArenaMatrix
  let scratch: StackScratch

  init(_ use: StackUse, scratch: StackScratch, arena: Arena) {
    let (shape, rows) = (use.shape, use.rows)
    self.rows = rows
    self.scratch = scratch
    blocks = (0..<shape.layers).map { _ in
      Block(
        input: arena.reserve(rows: rows, columns: shape.width),
        inputInverseRoots: arena.reserve(rows),
        queryKeyValue: arena.reserve(rows: rows, columns: shape.queryKeyValueWidth),
        logSumExp: arena.reserve(rows * shape.heads),
        attention: arena.reserve(rows: rows, columns: shape.queryWidth),
        middle: arena.reserve(rows: rows, columns: shape.width),
        middleInverseRoots: arena.reserve(rows),
        gateUp: arena.reserve(rows: rows, columns: 2 * shape.mlpHidden))
    }
    output = arena.reserve(rows: rows, columns: shape.width)
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
  let attention: ArenaPlace

  init(for uses: [StackUse], arena: Arena) {
    func reserveLargest(_ floats: (StackUse) -> Int) -> ArenaPlace {
      arena.reserve(uses.map(floats).max() ?? 0)
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
