import CSIMD

/// Natural logarithm in eight lanes, absolute error below 2e-7 beside the result's rounding.
enum Logarithm {
  /// ln x for normal x > 0: x = m · 2^n with m between sqrt(1/2) and sqrt(2), then a polynomial in m - 1 (Cephes
  /// logf).
  @inline(__always)
  static func lanes(_ x: Lanes) -> Lanes {
    // Adding the distance from sqrt(1/2) to 1 to the bits makes the exponent field change at sqrt(2).
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
