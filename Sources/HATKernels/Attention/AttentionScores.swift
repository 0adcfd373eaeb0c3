import CSIMD
import CWide
import Glibc

/// The products of one query with the keys, in a row of `count` floats padded to whole registers. Times `scale` they are
/// the scores.
struct ScoreRow {
  let scores: FloatPointer
  let scale: Float
  /// How many keys the query sees, from the first on.
  let visible: Int
  let count: Int

  /// Turns products into probabilities, 0 for invisible keys; returns log Σ e^score.
  @inline(__always)
  func normalize(on registers: Registers) -> Float {
    let largest = SoftmaxRow.largest(scores, count: visible) * scale
    let sum = SoftmaxRow.exponentiate(scores, count: visible, times: scale, minus: largest, on: registers)
    SoftmaxRow.scale(scores, count: visible, by: 1 / sum)
    clearInvisible(scores)
    return largest + logf(sum)
  }

  /// Turns products into probabilities p = e^(score - logSumExp), and `gradients` from dp, those by the probabilities,
  /// into those by the products: scale · p · (dp - delta). Both are 0 for invisible keys.
  @inline(__always)
  func differentiate(
    _ gradients: FloatPointer, logSumExp: Float, delta: Float, on registers: Registers
  ) {
    let wide = registers.wideCount(visible)
    if wide > 0 { hat_wide_softmax_backward(scores, gradients, wide, scale, -logSumExp, delta) }
    let (shift, delta, scale) = (
      Lanes(repeating: -logSumExp), Lanes(repeating: delta), Lanes(repeating: scale)
    )
    LaneLoop.forEach(wide..<visible) { offset, access in
      let probability = Exponential.lanes(access.load(scores + offset).times(scale, plus: shift))
      let gradient = (access.load(gradients + offset) - delta) * probability * scale
      access.store(probability, scores + offset)
      access.store(gradient, gradients + offset)
    }
    clearInvisible(scores)
    clearInvisible(gradients)
  }

  @inline(__always)
  private func clearInvisible(_ row: FloatPointer) {
    for key in visible..<paddedToLanes(count) { row[key] = 0 }
  }
}

/// The products of one head of a short segment, [keys, queries]. The softmax runs down the columns: eight queries are done
/// side by side, and nothing is summed across a register.
struct ScoreColumns {
  /// Rows are keys, columns are queries. Rows are padded to whole registers.
  let matrix: MatrixView
  /// Whether query q sees only the keys up to q.
  let causal: Bool

  @inline(__always)
  init(_ base: FloatPointer, count: Int, causal: Bool) {
    matrix = MatrixView(base, rows: count, columns: count, stride: paddedToLanes(count))
    self.causal = causal
  }

  /// Turns products into probabilities, and writes log Σ e^score of each query to `logSumExp` [queries, padded].
  @inline(__always)
  func normalize(scale: Float, logSumExp: FloatPointer) {
    let (scale, count) = (Lanes(repeating: scale), matrix.rows)
    var first = 0
    while first < count {
      let keys = keyCount(first)
      var largest = Lanes(repeating: -.infinity)
      for key in 0..<keys { largest = hat_max(visible(key, first), largest) }
      let shift = largest * scale

      var sum = Lanes()
      for key in 0..<keys {
        let result = Exponential.lanes(visible(key, first).times(scale, plus: Lanes() - shift))
        result.store(at: matrix.row(key) + first)
        sum += result
      }
      let factor = Lanes(repeating: 1) / sum
      for key in 0..<keys {
        let place = matrix.row(key) + first
        (Lanes(at: place) * factor).store(at: place)
      }
      (shift + Logarithm.lanes(sum)).store(at: logSumExp + first)
      first += 8
    }
  }

  /// Turns products into probabilities p = e^(score - logSumExp), and `gradients` from dp, those by the probabilities,
  /// into those by the products: scale · p · (dp - Σ p·dp).
  @inline(__always)
  func differentiate(_ gradients: ScoreColumns, scale: Float, logSumExp: FloatPointer) {
    let (scale, count) = (Lanes(repeating: scale), matrix.rows)
    var first = 0
    while first < count {
      let (keys, shift) = (keyCount(first), Lanes() - Lanes(at: logSumExp + first))
      var delta = Lanes()
      for key in 0..<keys {
        let probability = Exponential.lanes(visible(key, first).times(scale, plus: shift))
        probability.store(at: matrix.row(key) + first)
        delta = probability.times(Lanes(at: gradients.matrix.row(key) + first), plus: delta)
      }
      for key in 0..<keys {
        let place = gradients.matrix.row(key) + first
        ((Lanes(at: place) - delta) * Lanes(at: matrix.row(key) + first) * scale).store(at: place)
      }
      first += 8
    }
  }

  /// How many keys at least one of the eight queries from `first` on sees.
  @inline(__always)
  private func keyCount(_ first: Int) -> Int {
    causal ? min(matrix.rows, first + 8) : matrix.rows
  }

  /// The products of a key with the eight queries from `first` on; -infinity for queries that come before the key.
  @inline(__always)
  private func visible(_ key: Int, _ first: Int) -> Lanes {
    let products = Lanes(at: matrix.row(key) + first)
    return causal ? products.replacing(first: key - first, with: Lanes(repeating: -.infinity)) : products
  }
}
