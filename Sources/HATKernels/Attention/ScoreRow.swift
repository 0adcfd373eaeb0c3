import CSIMD
import CWide
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
  func normalize(on registers: Registers) -> Float {
    let largest = SoftmaxRow.largest(scores, count: visible) * scale
    let sum = SoftmaxRow.exponentiate(scores, count: visible, times: scale, minus: largest, on: registers)
    SoftmaxRow.scale(scores, count: visible, by: 1 / sum)
    clearInvisible(scores)
    return largest + logf(sum)
  }

  /// Products become probabilities p = e^(score - logSumExp), and `gradients`, from those of the probabilities, those
  /// of the products: scale · p · (dp - delta); both 0 for invisible keys.
  @inline(__always)
  func differentiate(
    _ gradients: FloatPointer, logSumExp: Float, delta: Float, on registers: Registers
  ) {
    let wide = registers.wideCount(visible)
    hat_wide_softmax_backward(scores, gradients, wide, scale, -logSumExp, delta)
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
