import HATKernels

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

/// Attention of some rows over the keys and values kept of their sequences, as the threads of a pool share it: by pairs of
/// a row and a key and value head.
struct KeptAttentionWork: PoolWork {
  let places: [RowPlace]
  let kept: KeptRows
  let shape: AttentionShape
  /// [R, queryKeyValueWidth], rotated.
  let queryKeyValue: MatrixView
  /// [R, queryWidth]
  let output: MatrixView
  /// [threads, positions and some] of scratch.
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
