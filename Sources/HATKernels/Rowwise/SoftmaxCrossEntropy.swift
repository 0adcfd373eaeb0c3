import CSIMD
import CWide
import Glibc

/// The cross-entropy of the softmax of logits [R, V] and the target of each row (docs/model.md §5).
public enum SoftmaxCrossEntropy {
  /// - Parameters:
  ///   - logits: [R, V]
  ///   - targets: [R], indices from 0 on, below V
  ///   - losses: [R], nats
  ///   - correct: [R], whether the arg-max is the target; of equal logits the lowest index counts
  public static func loss(
    _ logits: MatrixView, targets: UnsafePointer<Int32>, losses: FloatPointer,
    correct: UnsafeMutablePointer<Bool>
  ) {
    for row in 0..<logits.rows {
      let (values, target) = (logits.row(row), Int(targets[row]))
      precondition((0..<logits.columns).contains(target))
      let largest = SoftmaxRow.largest(values, count: logits.columns)
      let sum = SoftmaxRow.sumOfExponentials(values, count: logits.columns, minus: largest)
      losses[row] = logf(sum) - (values[target] - largest)
      correct[row] = isFirst(target, equalTo: largest, values)
    }
  }

  /// As `loss`, and overwrites the logits with the gradient of the row's loss, softmax - onehot(target).
  public static func lossAndGradient(
    _ logits: MatrixView, targets: UnsafePointer<Int32>, losses: FloatPointer,
    correct: UnsafeMutablePointer<Bool>, on registers: Registers = .widest
  ) {
    for row in 0..<logits.rows {
      let (values, target) = (logits.row(row), Int(targets[row]))
      precondition((0..<logits.columns).contains(target))
      let largest = SoftmaxRow.largest(values, count: logits.columns)
      let margin = values[target] - largest
      correct[row] = isFirst(target, equalTo: largest, values)
      let sum = SoftmaxRow.exponentiate(values, count: logits.columns, minus: largest, on: registers)
      losses[row] = logf(sum) - margin
      SoftmaxRow.scale(values, count: logits.columns, by: 1 / sum)
      values[target] -= 1
    }
  }

  private static func isFirst(
    _ index: Int, equalTo value: Float, _ values: UnsafePointer<Float>
  ) -> Bool {
    values[index] == value && !(0..<index).contains { values[$0] == value }
  }
}

/// The steps of a softmax over one row.
enum SoftmaxRow {
  /// The largest element, NaN left out; -infinity for an empty row.
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

  /// value = e^(scale · value - shift), in place; returns the sum of the new values.
  @inline(__always)
  static func exponentiate(
    _ values: FloatPointer, count: Int, times scale: Float = 1, minus shift: Float, on registers: Registers
  ) -> Float {
    var sum = Lanes()
    let wide = registers.wideCount(count)
    if wide > 0 {
      withUnsafeMutableBytes(of: &sum) {
        hat_wide_exponentials(values, wide, scale, -shift, $0.assumingMemoryBound(to: Float.self).baseAddress)
      }
    }
    let (scale, shift) = (Lanes(repeating: scale), Lanes(repeating: -shift))
    LaneLoop.forEach(wide..<count) { offset, access in
      let result = Exponential.lanes(access.load(values + offset).times(scale, plus: shift))
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
