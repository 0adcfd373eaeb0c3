import CSIMD

/// Attention scores of one head of a short segment, [keys, queries]: a softmax runs down the columns, so that eight
/// queries go side by side and nothing is summed across a register.
struct ScoreColumns {
  /// Rows are keys, padded to whole registers; columns are queries.
  let matrix: MatrixView
  /// Whether query q sees only keys up to q.
  let causal: Bool

  @inline(__always)
  init(_ base: FloatPointer, count: Int, causal: Bool) {
    matrix = MatrixView(base, rows: count, columns: count, stride: paddedToLanes(count))
    self.causal = causal
  }

  /// Turns products into probabilities; logSumExp [queries, padded] of the scaled ones.
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

  /// Turns products into probabilities p = e^(scale · product - logSumExp), and `gradients`, from those of the
  /// probabilities to those of the products: scale · p · (dp - Σ p·dp).
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

  /// How many keys the eight queries from `first` on see together.
  @inline(__always)
  private func keyCount(_ first: Int) -> Int {
    causal ? min(matrix.rows, first + 8) : matrix.rows
  }

  /// The products of a key with eight queries, -infinity for those that come before it.
  @inline(__always)
  private func visible(_ key: Int, _ first: Int) -> Lanes {
    let products = Lanes(at: matrix.row(key) + first)
    return causal ? products.replacing(first: key - first, with: Lanes(repeating: -.infinity)) : products
  }
}
