import HATKernels

/// The norm of each head of the queries, or of the keys, before rotation (docs/model.md §4): all heads have the same gain.
/// Legend: R rows, H heads.
struct HeadNorm {
  let heads: Int
  /// [at least R, H · headSize]: what is normalised, kept for the backward pass.
  let input: MatrixView
  /// [H, R]
  let inverseRoots: FloatPointer
  /// [headSize]
  let gain: UnsafePointer<Float>

  var headSize: Int { input.columns / heads }

  /// Normalises some heads of the first rows of `input`.
  /// - Parameter output: [R, H · headSize], may be `input`.
  func forward(heads range: Range<Int>, into output: MatrixView) {
    for head in range {
      let columns = columns(head)
      RMSNorm.forward(
        input.rows(0..<output.rows).columns(columns), gain: gain, into: output.columns(columns),
        inverseRoots: inverseRoots + head * output.rows)
    }
  }

  /// - Parameters:
  ///   - gradient: [R, H · headSize]; in: the loss by the output; out: by the input.
  ///   - gainGradient: [headSize], which this adds to.
  func backward(_ gradient: MatrixView, addGainGradientTo gainGradient: FloatPointer) {
    for head in 0..<heads {
      let columns = columns(head)
      RMSNorm.backward(
        input.rows(0..<gradient.rows).columns(columns), gain: gain,
        inverseRoots: inverseRoots + head * gradient.rows, outputGradient: gradient.columns(columns),
        adding: false, into: gradient.columns(columns), addGainGradientTo: gainGradient)
    }
  }

  private func columns(_ head: Int) -> Range<Int> { head * headSize..<(head + 1) * headSize }
}

/// Where the head norms of a block keep what their backward pass needs.
struct HeadNormPlaces {
  private let heads: Int
  private let input: ArenaMatrix
  private let inverseRoots: ArenaPlace

  private init(_ shape: StackShape, heads: Int, rows: Int, arena: Arena) {
    self.heads = heads
    input = arena.reserve(rows: rows, columns: heads * shape.headSize)
    inverseRoots = arena.reserve(rows * heads)
  }

  /// Those of queries and keys, for up to `rows` rows; nil for a stack without.
  static func pair(_ shape: StackShape, rows: Int, arena: Arena) -> QueryKeyPair<HeadNormPlaces>? {
    guard shape.queryKeyNorm else { return nil }
    return QueryKeyPair(queries: shape.heads, keys: shape.keyValueHeads).map {
      HeadNormPlaces(shape, heads: $0, rows: rows, arena: arena)
    }
  }

  func norm(rows: Int, gain: UnsafePointer<Float>, _ arena: Arena) -> HeadNorm {
    HeadNorm(
      heads: heads, input: arena.view(input, rows: rows), inverseRoots: arena.floats(inverseRoots),
      gain: gain)
  }
}

extension QueryKeyPair<HeadNormPlaces> {
  func norms(
    rows: Int, gains: QueryKeyPair<UnsafePointer<Float>>?, _ arena: Arena
  ) -> QueryKeyPair<HeadNorm> {
    QueryKeyPair<HeadNorm>(
      queries: queries.norm(rows: rows, gain: gains!.queries, arena),
      keys: keys.norm(rows: rows, gain: gains!.keys, arena))
  }
}

extension TransformerStack {
  /// Normalises queries and keys in place, if the stack does.
  func normalize(_ norms: QueryKeyPair<HeadNorm>?, queries: MatrixView, keys: MatrixView) {
    guard let norms else { return }
    normalize(norms.queries, queries)
    normalize(norms.keys, keys)
  }

  /// Normalises queries or keys in place.
  func normalize(_ norm: HeadNorm, _ heads: MatrixView) {
    let input = norm.input.rows(0..<heads.rows)
    kernels.rows(heads) { input.copy(heads) }
    kernels.headNorm(norm, into: heads)
  }

  /// Turns the gradients by normalised queries and keys into those by the projections, in place, if the stack has norms.
  func differentiateNorms(
    _ norms: QueryKeyPair<HeadNorm>?, queries: MatrixView, keys: MatrixView,
    addGainGradientsTo gains: QueryKeyPair<FloatPointer>?
  ) {
    guard let norms, let gains else { return }
    kernels.headNormBackward(norms.queries, queries, addGainGradientTo: gains.queries)
    kernels.headNormBackward(norms.keys, keys, addGainGradientTo: gains.keys)
  }
}

extension StackShape {
  /// Columns of queries | keys | values.
  var queries: Range<Int> { 0..<queryWidth }
  var keys: Range<Int> { queryWidth..<queryWidth + keyValueWidth }
  var keysAndValues: Range<Int> { queryWidth..<queryKeyValueWidth }
}
