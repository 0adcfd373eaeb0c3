import HATKernels

/// A causal stack that takes a few rows at a time, of several sequences together, and keeps the keys and values of earlier
/// rows.
///
/// It gives what `TransformerStack.forward` gives for each whole sequence, up to rounding. A row's bits depend only on the
/// rows of its own sequence: not on how they are divided into calls, nor on the other sequences.
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
  /// Of head norms: [query heads, rows of a call], and [key and value heads, rows of a call].
  private let headInverseRoots: QueryKeyPair<ArenaPlace>
  private let normalized: ArenaMatrix
  private let queryKeyValue: ArenaMatrix
  private let attention: ArenaMatrix
  private let gateUp: ArenaMatrix
  private let hidden: ArenaMatrix
  /// Of each thread.
  private let scores: ArenaMatrix

  /// A block's weights as products read them: packed once, before the first row.
  private typealias Block = BlockParts<LinearWeight, UnsafePointer<Float>>

  /// - Parameters:
  ///   - weights: of the unit of each block; they must not change while this object lives.
  ///   - sequences: at once, at most.
  ///   - positions: rows of a sequence, at most.
  init(
    _ shape: StackShape, _ tensors: [BlockTensors], _ weights: [Weights], sequences: Int, positions: Int,
    kernels: ModelKernels
  ) {
    precondition(shape.isCausal)
    (self.shape, self.positions, self.kernels) = (shape, positions, kernels)
    let arena = arena
    let places = tensors.map { block in
      block.map(
        matrix: { ($0, arena.reserve(PackedMatrix.floats(columns: $0.rows, terms: $0.columns))) },
        gain: { $0 })
    }
    inverseRoots = arena.reserve(Self.callRows)
    headInverseRoots = QueryKeyPair(queries: shape.heads, keys: shape.keyValueHeads).map {
      arena.reserve($0 * Self.callRows)
    }
    normalized = arena.reserve(rows: Self.callRows, columns: shape.width)
    queryKeyValue = arena.reserve(rows: Self.callRows, columns: shape.queryKeyValueWidth)
    attention = arena.reserve(rows: Self.callRows, columns: shape.queryWidth)
    gateUp = arena.reserve(rows: Self.callRows, columns: 2 * shape.mlpHidden)
    hidden = arena.reserve(rows: Self.callRows, columns: shape.mlpHidden)
    scores = arena.reserve(rows: kernels.pool.threads, columns: (positions + 15) / 16 * 16)
    arena.allocate()
    blocks = zip(places, weights).map { block, weights in
      block.map(
        matrix: { matrix, place in
          let weight = weights[matrix]
          return LinearWeight(weight, packed: PackedMatrix(transposing: weight, into: arena.floats(place)))
        }, gain: { weights[$0] })
    }
    rotary = RotaryTable(headSize: shape.headSize, theta: shape.ropeTheta, positions: positions)
    counts = Array(repeating: 0, count: sequences)
    keptFloats = KeyValueRows.floats(shape: shape.attention, positions: positions)
    kept = FloatBuffer(reserving: sequences * shape.layers * keptFloats)
  }

  /// Floats that such a stack takes for one sequence, about: without what a few rows need.
  static func floats(_ shape: StackShape, _ blocks: [BlockTensors], positions: Int) -> Int {
    let packed = blocks.reduce(0) { sum, block in
      sum
        + [block.queryKeyValue, block.attentionOutput, block.gateUp, block.down].reduce(0) {
          $0 + PackedMatrix.floats(columns: $1.rows, terms: $1.columns)
        }
    }
    let row = 2 * shape.width + shape.queryKeyValueWidth + shape.queryWidth + 3 * shape.mlpHidden
    return packed + shape.layers * KeyValueRows.floats(shape: shape.attention, positions: positions)
      + callRows * row
  }

  /// Starts a sequence, in place of an earlier one.
  func reset(_ sequence: Int) { counts[sequence] = 0 }

  /// Runs rows through all blocks, in place.
  /// - Parameters:
  ///   - rows: [R, width], R at most `callRows`; in: the input; out: the residual stream after the last block.
  ///   - sequences: [R], the sequence that each row continues.
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
    kernels.linear(normalize(rows, block.inputNorm), weight: block.queryKeyValue, into: queryKeyValue)
    normalizeHeads(queryKeyValue, block)
    let work = KeptAttentionWork(
      places: places, kept: kept(layer), shape: shape.attention, queryKeyValue: queryKeyValue,
      output: arena.view(attention, rows: rows.rows), scores: arena.view(scores, rows: kernels.pool.threads))
    rotary.prepare(1 + (places.map(\.position).max() ?? -1))
    for (row, place) in places.enumerated() {
      rotary.rotate(
        queryKeyValue.rows(row..<row + 1).columns(0..<shape.queryWidth + shape.keyValueWidth),
        heads: shape.heads + shape.keyValueHeads, position: place.position)
      work.kept[place.sequence].store(queryKeyValue.row(row), position: place.position)
    }
    kernels.attention(work, flops: attentionFLOPs(places))
    kernels.addLinear(work.output, weight: block.attentionOutput, to: rows)
  }

  private func transform(_ rows: MatrixView, _ block: Block) {
    let (gateUp, hidden) = (arena.view(gateUp, rows: rows.rows), arena.view(hidden, rows: rows.rows))
    kernels.linear(normalize(rows, block.postAttentionNorm), weight: block.gateUp, into: gateUp)
    kernels.swiGLU(gateUp, into: hidden)
    kernels.addLinear(hidden, weight: block.down, to: rows)
  }

  /// Of queries and keys, in place, if the stack does.
  private func normalizeHeads(_ queryKeyValue: MatrixView, _ block: Block) {
    guard let gains = block.queryKeyNorm else { return }
    let (queries, keys) = (queryKeyValue.columns(shape.queries), queryKeyValue.columns(shape.keys))
    kernels.headNorm(
      HeadNorm(
        heads: shape.heads, input: queries, inverseRoots: arena.floats(headInverseRoots.queries),
        gain: gains.queries), into: queries)
    kernels.headNorm(
      HeadNorm(
        heads: shape.keyValueHeads, input: keys, inverseRoots: arena.floats(headInverseRoots.keys),
        gain: gains.keys), into: keys)
  }

  private func normalize(_ rows: MatrixView, _ gain: UnsafePointer<Float>) -> MatrixView {
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

/// A row's place among those of its sequence.
struct RowPlace {
  let sequence: Int
  let position: Int
}

/// The keys and values of all sequences in one layer.
struct KeptRows {
  let base: FloatPointer
  /// Floats from a sequence to the next.
  let stride: Int
  let shape: AttentionShape
  let positions: Int

  subscript(sequence: Int) -> KeyValueRows {
    KeyValueRows(base + sequence * stride, shape: shape, positions: positions)
  }
}

/// Attention of some rows over the kept keys and values of their sequences. The threads of a pool share its pairs of a row
/// and a key and value head.
struct KeptAttentionWork: PoolWork {
  let places: [RowPlace]
  let kept: KeptRows
  let shape: AttentionShape
  /// [R, queryKeyValueWidth], rotated.
  let queryKeyValue: MatrixView
  /// [R, queryWidth]
  let output: MatrixView
  /// [threads, at least positions], scratch.
  let scores: MatrixView

  var count: Int { places.count * shape.keyValueHeads }

  func perform(_ range: Range<Int>, part: Int) {
    for item in range {
      let (row, head) = item.quotientAndRemainder(dividingBy: shape.keyValueHeads)
      kept[places[row].sequence].attend(
        queryKeyValue.row(row), keyValueHead: head, visible: places[row].position + 1, into: output.row(row),
        scores: scores.row(part))
    }
  }
}
