import CSIMD
import Glibc

/// The steps of a softmax over one row.
enum SoftmaxRow {
  /// The largest element, NaN being none; -infinity of an empty row.
  @inline(__always)
  static func largest(_ values: UnsafePointer<Float>, count: Int) -> Float {
    let lowest = Lanes(repeating: -.infinity)
    var (a, b) = (lowest, lowest)
    let paired = count & ~15
    var offset = 0
    while offset < paired {
      a = hat_max(Lanes(at: values + offset), a)
      b = hat_max(Lanes(at: values + offset + 8), b)
      offset += 16
    }
    LaneLoop.forEach(count - paired) { tail, access in
      let lanes = access.load(values + paired + tail).keeping(first: access.count, otherwise: lowest)
      a = hat_max(lanes, a)
    }
    return hat_max(a, b).largest
  }

  /// Σ e^(value - shift).
  @inline(__always)
  static func sumOfExponentials(_ values: UnsafePointer<Float>, count: Int, minus shift: Float) -> Float {
    let shift = Lanes(repeating: shift)
    var sum = Lanes()
    LaneLoop.forEach(count) { offset, access in
      let result = Exponential.lanes(access.load(values + offset) - shift)
      sum += result.keeping(first: access.count, otherwise: Lanes())
    }
    return sum.total
  }

  /// value = e^(value - shift) in place; returns their sum.
  @inline(__always)
  static func exponentiate(_ values: FloatPointer, count: Int, minus shift: Float) -> Float {
    let shift = Lanes(repeating: shift)
    var sum = Lanes()
    LaneLoop.forEach(count) { offset, access in
      let result = Exponential.lanes(access.load(values + offset) - shift)
      sum += result.keeping(first: access.count, otherwise: Lanes())
      access.store(result, values + offset)
    }
    return sum.total
  }

  @inline(__always)
  static func scale(_ values: FloatPointer, count: Int, by factor: Float) {
    let factor = Lanes(repeating: factor)
    LaneLoop.forEach(count) { offset, access in
      access.store(access.load(values + offset) * factor, values + offset)
    }
  }

  /// Softmax of the first `visible` of `count` scores in place, 0 in the others; returns log Σ e^score.
  @inline(__always)
  static func normalize(_ scores: FloatPointer, visible: Int, count: Int) -> Float {
    let largest = largest(scores, count: visible)
    let sum = exponentiate(scores, count: visible, minus: largest)
    scale(scores, count: visible, by: 1 / sum)
    (scores + visible).update(repeating: 0, count: count - visible)
    return largest + logf(sum)
  }

  /// Backward pass of one row: scores become probabilities, their gradients those of the scores before scaling:
  /// p = e^(score - logSumExp), dScore = scale · p · (dp - delta); 0 beyond `visible`.
  @inline(__always)
  static func differentiate(
    _ scores: FloatPointer, _ gradients: FloatPointer, visible: Int, count: Int, logSumExp: Float,
    delta: Float,
    scale: Float
  ) {
    let (shift, delta, scale) = (
      Lanes(repeating: logSumExp), Lanes(repeating: delta), Lanes(repeating: scale)
    )
    LaneLoop.forEach(visible) { offset, access in
      let probability = Exponential.lanes(access.load(scores + offset) - shift)
      let gradient = (access.load(gradients + offset) - delta) * probability * scale
      access.store(probability, scores + offset)
      access.store(gradient, gradients + offset)
    }
    (scores + visible).update(repeating: 0, count: count - visible)
    (gradients + visible).update(repeating: 0, count: count - visible)
  }

  /// Σ a·b.
  @inline(__always)
  static func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int) -> Float {
    var sum = Lanes()
    LaneLoop.forEach(count) { offset, access in
      sum = access.load(a + offset).times(access.load(b + offset), plus: sum)
    }
    return sum.total
  }
}
