import CSIMD

/// e^x in eight lanes.
///
/// The relative error is below 2e-7 for x in [-87, 88]. The result is 0 below -87.3 and about 2.4e38 from 88.37 on; NaN
/// stays NaN.
public enum Exponential {
  /// y = e^x, [count]; `y` may be `x`.
  public static func apply(_ x: UnsafePointer<Float>, into y: FloatPointer, count: Int) {
    LaneLoop.forEach(count) { offset, access in
      access.store(lanes(access.load(x + offset)), y + offset)
    }
  }

  /// x = n·ln 2 + r with |r| ≤ ln 2 / 2; the result is a polynomial in r (Cephes expf) times 2^n. CWide has the same in
  /// sixteen lanes, with the same bits.
  @inline(__always)
  static func lanes(_ x: Lanes) -> Lanes {
    let clamped = hat_min(Lanes(repeating: 88.37), x)

    // After 1.5 · 2^23 is added, the low bits are the nearest integer.
    let shifter = Lanes(repeating: 12_582_912)
    let shifted = clamped.times(Lanes(repeating: 1.442_695_04), plus: shifter)
    let n = shifted - shifter
    let r = n.times(
      Lanes(repeating: 2.121_944_4e-4), plus: n.times(Lanes(repeating: -0.693_359_375), plus: clamped))

    // In pairs of coefficients: the chain of dependent operations is half as long as with Horner's rule.
    let square = r * r
    let high = Lanes(repeating: 1.987_569_15e-4).times(r, plus: Lanes(repeating: 1.398_199_950_7e-3))
    let middle = Lanes(repeating: 8.333_451_907_3e-3).times(r, plus: Lanes(repeating: 4.166_579_589_4e-2))
    let low = Lanes(repeating: 1.666_666_545_9e-1).times(r, plus: Lanes(repeating: 5.000_000_120_1e-1))
    let polynomial = high.times(square, plus: middle).times(square, plus: low)
    let fraction = polynomial.times(square, plus: r) + Lanes(repeating: 1)

    let exponent = (unsafeBitCast(shifted, to: SIMD8<UInt32>.self) &+ SIMD8(repeating: 127)) &<< 23
    let result = fraction * unsafeBitCast(exponent, to: Lanes.self)
    // Far below, the bits of 2^n mean nothing.
    return hat_zero_where_below(result, x, Lanes(repeating: -87.33))
  }
}

/// The natural logarithm in eight lanes, with an absolute error below 2e-7 besides the rounding of the result.
enum Logarithm {
  /// ln x for normal x > 0: x = m · 2^n with m between sqrt(1/2) and sqrt(2); ln m is a polynomial in m - 1 (Cephes
  /// logf).
  @inline(__always)
  static func lanes(_ x: Lanes) -> Lanes {
    // With the distance from sqrt(1/2) to 1 added to the bits, the exponent field changes at sqrt(2).
    let bits = unsafeBitCast(x, to: SIMD8<UInt32>.self) &+ SIMD8(repeating: 0x3F80_0000 - 0x3F35_04F3)
    // n + 127 in the low bits of 2^23.
    let biased = unsafeBitCast((bits &>> 23) | SIMD8(repeating: 0x4B00_0000), to: Lanes.self)
    let n = biased - Lanes(repeating: 8_388_608 + 127)
    let mantissa = (bits & SIMD8(repeating: 0x007F_FFFF)) &+ SIMD8(repeating: 0x3F35_04F3)
    let f = unsafeBitCast(mantissa, to: Lanes.self) - Lanes(repeating: 1)

    var polynomial = Lanes(repeating: 7.037_683_629_2e-2)
    polynomial = polynomial.times(f, plus: Lanes(repeating: -1.151_461_031_0e-1))
    polynomial = polynomial.times(f, plus: Lanes(repeating: 1.167_699_874_0e-1))
    polynomial = polynomial.times(f, plus: Lanes(repeating: -1.242_014_084_6e-1))
    polynomial = polynomial.times(f, plus: Lanes(repeating: 1.424_932_278_7e-1))
    polynomial = polynomial.times(f, plus: Lanes(repeating: -1.666_805_766_5e-1))
    polynomial = polynomial.times(f, plus: Lanes(repeating: 2.000_071_476_5e-1))
    polynomial = polynomial.times(f, plus: Lanes(repeating: -2.499_999_399_3e-1))
    polynomial = polynomial.times(f, plus: Lanes(repeating: 3.333_333_117_4e-1))
    let square = f * f
    let small = n.times(Lanes(repeating: -2.121_944_4e-4), plus: polynomial * f * square)
    let fraction = square.times(Lanes(repeating: -0.5), plus: small) + f
    return n.times(Lanes(repeating: 0.693_359_375), plus: fraction)
  }
}
