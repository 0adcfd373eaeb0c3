import CSIMD

/// e^x in eight lanes: relative error below 2e-7 for x in [-87, 88], 0 below -87.3, about 2.4e38 from 88.37 on;
/// NaN stays NaN.
public enum Exponential {
  /// y = e^x, [count]; `y` may be `x`.
  public static func apply(_ x: UnsafePointer<Float>, into y: FloatPointer, count: Int) {
    LaneLoop.forEach(count) { offset, access in
      access.store(lanes(access.load(x + offset)), y + offset)
    }
  }

  /// x = n·ln 2 + r with |r| ≤ ln 2 / 2, then a polynomial in r (Cephes expf) times 2^n. In sixteen lanes, with the same
  /// bits: CWide/exponential.h.
  @inline(__always)
  static func lanes(_ x: Lanes) -> Lanes {
    let clamped = hat_min(Lanes(repeating: 88.37), x)

    // Adding 1.5 · 2^23 leaves the nearest integer in the low bits.
    let shifter = Lanes(repeating: 12_582_912)
    let shifted = clamped.times(Lanes(repeating: 1.442_695_04), plus: shifter)
    let n = shifted - shifter
    let r = n.times(
      Lanes(repeating: 2.121_944_4e-4), plus: n.times(Lanes(repeating: -0.693_359_375), plus: clamped))

    // In pairs of coefficients: half the waiting of Horner's rule.
    let square = r * r
    let high = Lanes(repeating: 1.987_569_15e-4).times(r, plus: Lanes(repeating: 1.398_199_950_7e-3))
    let middle = Lanes(repeating: 8.333_451_907_3e-3).times(r, plus: Lanes(repeating: 4.166_579_589_4e-2))
    let low = Lanes(repeating: 1.666_666_545_9e-1).times(r, plus: Lanes(repeating: 5.000_000_120_1e-1))
    let polynomial = high.times(square, plus: middle).times(square, plus: low)
    let fraction = polynomial.times(square, plus: r) + Lanes(repeating: 1)

    let exponent = (unsafeBitCast(shifted, to: SIMD8<UInt32>.self) &+ SIMD8(repeating: 127)) &<< 23
    let result = fraction * unsafeBitCast(exponent, to: Lanes.self)
    // Far below, the bits of 2^n are meaningless.
    return hat_zero_where_below(result, x, Lanes(repeating: -87.33))
  }
}
