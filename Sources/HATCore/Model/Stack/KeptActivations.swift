import HATKernels

/// What a block of the backbone keeps in bfloat16 until it is differentiated, half the memory of floats. The forward pass goes on
/// with the same rounded values. Legend: R rows, F MLP width.
struct KeptActivations {
  /// [R, queryKeyValueWidth], before norms and rotation, which are computed again.
  private let queryKeyValue: ArenaMatrix
  /// [R, queryWidth]
  private let attention: ArenaMatrix
  /// [R, 2F]
  private let gateUp: ArenaMatrix

  init(_ shape: StackShape, rows: Int, arena: Arena) {
    func reserve(_ columns: Int) -> ArenaMatrix {
      ArenaMatrix(place: arena.reserve((rows * columns + 1) / 2), columns: columns)
    }
    queryKeyValue = reserve(shape.queryKeyValueWidth)
    attention = reserve(shape.queryWidth)
    gateUp = reserve(2 * shape.mlpHidden)
  }

  struct Views {
    let queryKeyValue, attention, gateUp: BrainFloatMatrix
  }

  func views(rows: Int, _ arena: Arena) -> Views {
    func view(_ matrix: ArenaMatrix) -> BrainFloatMatrix {
      BrainFloatMatrix(inFloats: arena.floats(matrix.place), rows: rows, columns: matrix.columns)
    }
    return Views(
      queryKeyValue: view(queryKeyValue), attention: view(attention), gateUp: view(gateUp))
  }
}

extension TransformerStack {
  /// Rounds what attention or SwiGLU reads, if the stack does, and keeps it if the block does.
  func round(_ matrix: MatrixView, keepingIn kept: BrainFloatMatrix?) {
    if roundsActivations { kernels.round(matrix, keepingIn: kept) }
  }

  /// Fetches what a block has kept, for `backward`.
  func fetch(_ block: BlockViews, segments: Segments) {
    guard let kept = block.kept else { return }
    kernels.expand(kept.queryKeyValue, into: block.queryKeyValue)
    kernels.expand(kept.attention, into: block.attention)
    kernels.expand(kept.gateUp, into: block.gateUp)
    normalize(
      block.queryKeyNorm, queries: block.queryKeyValue.columns(shape.queries),
      keys: block.queryKeyValue.columns(shape.keys))
    kernels.rotate(block.queriesAndKeys, rotary, heads: shape.heads + shape.keyValueHeads, segments: segments)
  }
}
