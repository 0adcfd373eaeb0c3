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
  private let roundsActivations: Bool
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
  /// [threads · KeyValueRows.rowsAtOnce, positions]
  private let scores: ArenaMatrix

  /// A block's weights as products read them: packed once, before the first row.
  private typealias Block = BlockParts<LinearWeight, UnsafePointer<Float>>

  /// - Parameters:
  ///   - weights: of the unit of each block; they must not change while this object lives.
  ///   - sequences: at once, at most.
  ///   - positions: rows of a sequence, at most.
  ///   - roundsActivations: as the stack did in training (`StackUse`).
  init(
    _ shape: StackShape, _ tensors: [BlockTensors], _ weights: [Weights], sequences: Int, positions: Int,
    kernels: ModelKernels, roundsActivations: Bool = false
  ) {
    precondition(shape.isCausal)
    self.roundsActivations = roundsActivations
    let precision = kernels.arithmetic.precision
    (self.shape, self.positions, self.kernels) = (shape, positions, kernels)
    let arena = arena
    let places = tensors.map { block in
      block.map(
        matrix: {
          ($0, arena.reserve(PackedMatrix.floats(columns: $0.rows, terms: $0.columns, in: precision)))
        },
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
    scores = arena.reserve(
      rows: kernels.pool.threads * KeyValueRows.rowsAtOnce, columns: (positions + 15) / 16 * 16)
    arena.allocate()
    blocks = zip(places, weights).map { block, weights in
      block.map(
        matrix: { matrix, place in
          let weight = weights[matrix]
          return LinearWeight(
            weight, packed: PackedMatrix(transposing: weight, in: precision, into: arena.floats(place)))
        }, gain: { weights[$0] })
    }
    rotary = RotaryTable(headSize: shape.headSize, theta: shape.ropeTheta, positions: positions)
    counts = Array(repeating: 0, count: sequences)
    keptFloats = KeyValueRows.floats(shape: shape.attention, positions: positions)
    kept = FloatBuffer(reserving: sequences * shape.layers * keptFloats)
  }

  /// Floats that such a stack takes for one sequence, about: without what a few rows need.
  static func floats(
    _ shape: StackShape, _ blocks: [BlockTensors], positions: Int, in precision: Precision
  ) -> Int {
    let packed = PackedWeights.floats(blocks.flatMap(\.matrices), in: precision)
    let row = 2 * shape.width + shape.queryKeyValueWidth + shape.queryWidth + 3 * shape.mlpHidden
    return packed + shape.layers * KeyValueRows.floats(shape: shape.attention, positions: positions)
      + callRows * row
  }

  /// Starts a sequence, in place of an earlier one.
  func reset(_ sequence: Int) { counts[sequence] = 0 }

  /// Runs rows through all blocks. Of rows whose output nobody reads, the last block computes only keys and values (and
  /// queries, which are one product with them).
  /// - Parameters:
  ///   - input: [R, width], R at most `callRows`; overwritten.
  ///   - sequences: [R], the sequence that each row continues.
  ///   - read: the rows whose output is read, ascending.
  /// - Returns: [read, width], the residual stream after the last block; it lies in `input`.
  func append(_ input: MatrixView, of sequences: ArraySlice<Int>, reading read: [Int]) -> MatrixView {
    precondition(input.rows == sequences.count && input.rows <= Self.callRows)
    var (rows, places) = (input, sequences.map(place))
    rotary.prepare(1 + (places.map(\.position).max() ?? -1))
    for layer in blocks.indices {
      let queryKeyValue = project(rows, places, layer: layer)
      if layer == blocks.count - 1 {
        places = read.map { places[$0] }
        rows = rows.keeping(read)
        _ = queryKeyValue.columns(shape.queries).keeping(read)
      }
      attend(rows, queryKeyValue.rows(0..<rows.rows), places, layer: layer)
      transform(rows, blocks[layer])
    }
    return rows
  }

  private func place(ofNextRowOf sequence: Int) -> RowPlace {
    precondition(counts[sequence] < positions, "the sequence is full")
    counts[sequence] += 1
    return RowPlace(sequence: sequence, position: counts[sequence] - 1)
  }

  /// Keeps the keys and values of rows.
  /// - Returns: [R, queryKeyValueWidth], rotated.
  private func project(_ rows: MatrixView, _ places: [RowPlace], layer: Int) -> MatrixView {
    let (block, kept) = (blocks[layer], kept(layer))
    let queryKeyValue = arena.view(queryKeyValue, rows: rows.rows)
    multiply(normalize(rows, block.inputNorm), block.queryKeyValue, into: queryKeyValue)
    round(queryKeyValue)
    normalizeHeads(queryKeyValue, block)
    for (row, place) in places.enumerated() {
      rotary.rotate(
        queryKeyValue.rows(row..<row + 1).columns(0..<shape.queryWidth + shape.keyValueWidth),
        heads: shape.heads + shape.keyValueHeads, position: place.position)
      kept[place.sequence].store(queryKeyValue.row(row), position: place.position)
    }
    return queryKeyValue
  }

  private func attend(_ rows: MatrixView, _ queryKeyValue: MatrixView, _ places: [RowPlace], layer: Int) {
    let work = KeptAttentionWork(
      places: places, kept: kept(layer), shape: shape.attention, queryKeyValue: queryKeyValue,
      output: arena.view(attention, rows: rows.rows),
      scores: arena.view(scores, rows: kernels.pool.threads * KeyValueRows.rowsAtOnce))
    let flops = attentionFLOPs(places)
    kernels.attention(work, flops: flops)
    self.flops += Double(flops)
    round(work.output)
    multiply(work.output, blocks[layer].attentionOutput, addingTo: rows)
  }

  private func transform(_ rows: MatrixView, _ block: Block) {
    let (gateUp, hidden) = (arena.view(gateUp, rows: rows.rows), arena.view(hidden, rows: rows.rows))
    multiply(normalize(rows, block.postAttentionNorm), block.gateUp, into: gateUp)
    round(gateUp)
    kernels.swiGLU(gateUp, into: hidden)
    multiply(hidden, block.down, addingTo: rows)
  }

  private func round(_ matrix: MatrixView) {
    if roundsActivations { kernels.round(matrix, keepingIn: nil) }
  }

  private func multiply(_ x: MatrixView, _ weight: LinearWeight, into y: MatrixView) {
    kernels.linear(x, weight: weight, into: y)
    flops += 2 * Double(x.rows * x.columns * y.columns)
  }

  private func multiply(_ x: MatrixView, _ weight: LinearWeight, addingTo y: MatrixView) {
    kernels.addLinear(x, weight: weight, to: y)
    flops += 2 * Double(x.rows * x.columns * y.columns)
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

extension MatrixView {
  /// Moves some rows, ascending, to the front.
  fileprivate func keeping(_ kept: [Int]) -> MatrixView {
    for (place, row) in kept.enumerated() where place != row {
      self.row(place).update(from: self.row(row), count: columns)
    }
    return rows(0..<kept.count)
  }
}

/// A row's place among those of its sequence.
struct RowPlace {
  let sequence: Int
  let position: Int

  func follows(_ other: RowPlace) -> Bool { sequence == other.sequence && position == other.position + 1 }
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

/// Attention of some rows over the kept keys and values of their sequences. The threads of a pool share its pairs of a key
/// and value head and a row; rows that follow each other are done together.
struct KeptAttentionWork: PoolWork {
  let places: [RowPlace]
  let kept: KeptRows
  let shape: AttentionShape
  /// [R, queryKeyValueWidth], rotated.
  let queryKeyValue: MatrixView
  /// [R, queryWidth]
  let output: MatrixView
  /// [threads · KeyValueRows.rowsAtOnce, at least positions], scratch.
  let scores: MatrixView

  var count: Int { places.count * shape.keyValueHeads }

  func perform(_ range: Range<Int>, part: Int) {
    let scores = scores.rows(part * KeyValueRows.rowsAtOnce..<(part + 1) * KeyValueRows.rowsAtOnce)
    var item = range.lowerBound
    while item < range.upperBound {
      let (head, row) = item.quotientAndRemainder(dividingBy: places.count)
      let next = row + 1
      let isPair = next < places.count && item + 1 < range.upperBound && places[next].follows(places[row])
      let rows = row..<next + (isPair ? 1 : 0)
      kept[places[row].sequence].attend(
        queryKeyValue.rows(rows), keyValueHead: head, visible: places[row].position + 1,
        into: output.rows(rows), scores: scores)
      item += rows.count
    }
  }
}
