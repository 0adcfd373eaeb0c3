import CSIMD
import Glibc

/// The products of one query with the keys, in a row of `count` floats padded to whole registers; times `scale` they
/// are its scores.
struct ScoreRow {
  let scores: FloatPointer
  let scale: Float
  /// How many keys, from the first on, the query sees.
  let visible: Int
  let count: Int

  /// Products become probabilities, 0 of invisible keys; returns log Σ e^score.
  @inline(__always)
  func normalize() -> Float {
    let largest = SoftmaxRow.largest(scores, count: visible) * scale
    let (scale, shift) = (Lanes(repeating: scale), Lanes(repeating: -largest))
    var sum = Lanes()
    forEachRegister { place, lanes in
      let result = Exponential.lanes(Lanes(at: place).times(scale, plus: shift))
        .keeping(first: lanes, otherwise: Lanes())
      result.store(at: place)
      sum += result
    }
    let total = sum.total
    let factor = Lanes(repeating: 1 / total)
    forEachRegister { place, _ in (Lanes(at: place) * factor).store(at: place) }
    clearInvisible(scores)
    return largest + logf(total)
  }

  /// Products become probabilities p = e^(score - logSumExp), and `gradients`, from those of the probabilities, those
  /// of the products: scale · p · (dp - delta); both 0 for invisible keys.
  @inline(__always)
  func differentiate(_ gradients: FloatPointer, logSumExp: Float, delta: Float) {
    let (shift, delta, scale) = (
      Lanes(repeating: -logSumExp), Lanes(repeating: delta), Lanes(repeating: scale)
    )
    let offset = gradients - scores
    forEachRegister { place, lanes in
      let probability = Exponential.lanes(Lanes(at: place).times(scale, plus: shift))
      let gradient = (Lanes(at: place + offset) - delta) * probability * scale
      probability.keeping(first: lanes, otherwise: Lanes()).store(at: place)
      gradient.keeping(first: lanes, otherwise: Lanes()).store(at: place + offset)
    }
    clearInvisible(scores)
    clearInvisible(gradients)
  }

  /// Calls `body(place, lanes)` for each register with visible keys, `lanes` of them visible (8 or more: all).
  @inline(__always)
  private func forEachRegister(_ body: (_ place: FloatPointer, _ lanes: Int) -> Void) {
    for offset in stride(from: 0, to: visible, by: 8) { body(scores + offset, visible - offset) }
  }

  /// Zeroes the registers without visible keys.
  @inline(__always)
  private func clearInvisible(_ row: FloatPointer) {
    for offset in stride(from: paddedToLanes(visible), to: count, by: 8) { Lanes().store(at: row + offset) }
  }
}
