import HATKernels

/// A causal stack fed a few rows at a time, those of several sequences together, with the keys and values of the rows
/// before them kept.
///
/// Gives what `TransformerStack.forward` gives for each whole sequence, to rounding. A row's bits depend on the rows of
/// its own sequence alone: not on how they are shared out to calls, nor on the sequences beside it.
final class IncrementalStack {
  /// Rows of a call, at most.
  static let callRows = 128

  let shape: StackShape
  /// Floating-point operations done so far.
  private(set) var flops = 0.0
  private let positions: Int
  private let blocks: [Block]
  private let kernels: ModelKernels
  private let arena = Arena()
  private let rotary: RotaryTable
  /// [sequences]: rows of each so far.
  private var counts: [Int]
  /// [sequences, layers], each the floats of a `KeyValueRows`; memory is taken as they fill.
  private let kept: FloatBuffer
  private let keptFloats: Int
  private let inverseRoots: ArenaPlace
  private let normalized: ArenaMatrix
  private let queryKeyValue: ArenaMatrix
  private let attention: ArenaMatrix
  private let gateUp: ArenaMatrix
  private let hidden: ArenaMatrix
  /// Of each thread.
  private let scores: ArenaMatrix

  private struct Block {
    let weights: BlockMatrices
    let linears: BlockLinears
  }

  /// - Parameters:
  ///   - parameters: the flat buffer, which does not change as long as this lives.
  ///   - sequences: that there may be at once.
  ///   - positions: rows of a sequence, at most.
  init(
    _ shape: StackShape, offsets: StackOffsets, parameters: UnsafePointer<Float>, sequences: Int,
    positions: Int, kernels: ModelKernels
  ) {
    precondition(shape.isCausal)
    (self.shape, self.positions, self.kernels) = (shape, positions, kernels)
    let packedWeights = PackedWeights(shape, arena: arena)
    inverseRoots = arena.reserve(Self.callRows)
    normalized = arena.reserve(rows: Self.callRows, columns: shape.width)
    queryKeyValue = arena.reserve(rows: Self.callRows, columns: shape.queryKeyValueWidth)
    attention = arena.reserve(rows: Self.callRows, columns: shape.queryWidth)
    gateUp = arena.reserve(rows: Self.callRows, columns: 2 * shape.mlpHidden)
    hidden = arena.reserve(rows: Self.callRows, columns: shape.mlpHidden)
    scores = arena.reserve(rows: kernels.pool.threads, columns: (positions + 15) / 16 * 16)
    arena.allocate()
    packedWeights.pack(offsets, parameters)
    blocks = offsets.blocks.enumerated().map { layer, offsets in
      let weights = BlockMatrices(shape, offsets, in: FloatPointer(mutating: parameters))
      return Block(weights: weights, linears: packedWeights.linears(weights, layer: layer))
    }
    rotary = RotaryTable(headSize: shape.headSize, theta: shape.ropeTheta, positions: positions)
    counts = Array(repeating: 0, count: sequences)
    keptFloats = KeyValueRows.floats(shape: shape.attention, positions: positions)
    kept = FloatBuffer(reserving: sequences * shape.layers * keptFloats)
  }

  /// Starts a sequence anew.
  func reset(_ sequence: Int) {
    counts[sequence] = 0
  }

  /// Runs rows through all blocks, in place.
  /// - Parameters:
  ///   - rows: [R, width], R at most `callRows`; in: the input; out: the residual stream after the last block.
  ///   - sequences: [R], which one each row is the next of.
  func append(_ rows: MatrixView, of sequences: ArraySlice<Int>) {
    precondition(rows.rows == sequences.count && rows.rows <= Self.callRows)
    let places = sequences.map(place)
    for layer in blocks.indices {
      attend(rows, places, layer: layer)
      transform(rows, blocks[layer])
    }
    flops += 2 * Double(shape.layers * shape.blockMatrixParameters * rows.rows)
    flops += Double(shape.layers * attentionFLOPs(places))
  }

  private func place(ofNextRowOf sequence: Int) -> RowPlace {
    precondition(counts[sequence] < positions, "the sequence is full")
    counts[sequence] += 1
    return RowPlace(sequence: sequence, position: counts[sequence] - 1)
  }

  private func attend(_ rows: MatrixView, _ places: [RowPlace], layer: Int) {
    let block = blocks[layer]
    let queryKeyValue = arena.view(queryKeyValue, rows: rows.rows)
    kernels.linear(
      normalize(rows, block.weights.inputNorm), weight: block.linears.queryKeyValue, into: queryKeyValue)
    let work = KeptAttentionWork(
      places: places, kept: kept(layer), shape: shape.attention, queryKeyValue: queryKeyValue,
      output: arena.view(attention, rows: rows.rows), scores: arena.view(scores, rows: kernels.pool.threads))
    for (row, place) in places.enumerated() {
      rotary.rotate(
        queryKeyValue.rows(row..<row + 1).columns(0..<shape.queryWidth + shape.keyValueWidth),
        heads: shape.heads + shape.keyValueHeads, position: place.position)
      work.kept[place.sequence].store(queryKeyValue.row(row), position: place.position)
    }
    kernels.attention(work, flops: attentionFLOPs(places))
    kernels.addLinear(work.output, weight: block.linears.attentionOutput, to: rows)
  }

  private func transform(_ rows: MatrixView, _ block: Block) {
    let (gateUp, hidden) = (arena.view(gateUp, rows: rows.rows), arena.view(hidden, rows: rows.rows))
    kernels.linear(
      normalize(rows, block.weights.postAttentionNorm), weight: block.linears.gateUp, into: gateUp)
    kernels.swiGLU(gateUp, into: hidden)
    kernels.addLinear(hidden, weight: block.linears.down, to: rows)
  }

  private func normalize(_ rows: MatrixView, _ gain: FloatPointer) -> MatrixView {
    let result = arena.view(normalized, rows: rows.rows)
    kernels.norm(rows, gain: gain, into: result, inverseRoots: arena.floats(inverseRoots))
    return result
  }

  private func kept(_ layer: Int) -> KeptRows {
    KeptRows(
      base: kept.base + layer * keptFloats, stride: shape.layers * keptFloats, shape: shape.attention,
      positions: positions)
  }

  /// Of one layer.
  private func attentionFLOPs(_ places: [RowPlace]) -> Int {
    places.reduce(0) { $0 + 4 * shape.queryWidth * ($1.position + 1) }
  }
}
