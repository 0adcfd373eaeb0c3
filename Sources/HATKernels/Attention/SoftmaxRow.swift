import CSIMD
import CWide
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

  /// value = e^(scale · value - shift) in place; returns their sum.
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
