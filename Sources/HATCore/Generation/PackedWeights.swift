import HATKernels

/// Where a stack that runs over few rows at a time keeps its weights as products read them, packed once for all calls.
struct PackedWeights {
  struct Block {
    let queryKeyValue: ArenaPlace
    let attentionOutput: ArenaPlace
    let gateUp: ArenaPlace
    let down: ArenaPlace
  }

  let blocks: [Block]
  private let shape: StackShape
  private let arena: Arena

  init(_ shape: StackShape, arena: Arena) {
    func reserve(_ columns: Int, _ terms: Int) -> ArenaPlace {
      arena.reserve(PackedMatrix.floats(columns: columns, terms: terms))
    }
    (self.shape, self.arena) = (shape, arena)
    blocks = (0..<shape.layers).map { _ in
      Block(
        queryKeyValue: reserve(shape.queryKeyValueWidth, shape.width),
        attentionOutput: reserve(shape.width, shape.queryWidth),
        gateUp: reserve(2 * shape.mlpHidden, shape.width), down: reserve(shape.width, shape.mlpHidden))
    }
  }
}

/// One block's weights for `linear`.
struct BlockLinears {
  let queryKeyValue: LinearWeight
  let attentionOutput: LinearWeight
  let gateUp: LinearWeight
  let down: LinearWeight

  fileprivate init(_ weights: BlockMatrices, _ places: PackedWeights.Block, arena: Arena) {
    func linear(_ weight: MatrixView, _ place: ArenaPlace) -> LinearWeight {
      LinearWeight(
        weight.constant,
        packed: PackedMatrix(arena.floats(place), columns: weight.rows, terms: weight.columns))
    }
    queryKeyValue = linear(weights.queryKeyValue, places.queryKeyValue)
    attentionOutput = linear(weights.attentionOutput, places.attentionOutput)
    gateUp = linear(weights.gateUp, places.gateUp)
    down = linear(weights.down, places.down)
  }
}

extension PackedWeights {
  /// Packs the weights of a stack, before the first row.
  func pack(_ offsets: StackOffsets, _ parameters: UnsafePointer<Float>) {
    for (offsets, places) in zip(offsets.blocks, blocks) {
      let weights = BlockMatrices(shape, offsets, in: FloatPointer(mutating: parameters))
      pack(weights.queryKeyValue, places.queryKeyValue)
      pack(weights.attentionOutput, places.attentionOutput)
      pack(weights.gateUp, places.gateUp)
      pack(weights.down, places.down)
    }
  }

  private func pack(_ weight: MatrixView, _ place: ArenaPlace) {
    _ = PackedMatrix(transposing: weight.constant, into: arena.floats(place))
  }

  /// One block's weights as `pack` has left them.
  func linears(_ weights: BlockMatrices, layer: Int) -> BlockLinears {
    BlockLinears(weights, blocks[layer], arena: arena)
  }
}
