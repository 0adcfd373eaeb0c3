import CSIMD

/// A soft cap on logits: y = cap · tanh(x / cap) (docs/model.md §4).
public enum SoftCap {
  /// - Parameters:
  ///   - x: [R, V], overwritten by y
  ///   - slopes: [R, V], dy / dx for the backward pass; nil if there is none
  public static func apply(_ x: MatrixView, cap: Float, slopes: MatrixView? = nil) {
    precondition(cap > 0)
    if let slopes { precondition(slopes.rows == x.rows && slopes.columns == x.columns) }
    let (factor, inverse, one) = (Lanes(repeating: cap), Lanes(repeating: 1 / cap), Lanes(repeating: 1))
    for row in 0..<x.rows {
      let (values, slopes) = (x.row(row), slopes?.row(row))
      LaneLoop.forEach(x.columns) { offset, access in
        let t = HyperbolicTangent.lanes(access.load(values + offset) * inverse)
        access.store(t * factor, values + offset)
        if let slopes { access.store(one - t * t, slopes + offset) }
      }
    }
  }

  /// Turns the gradient by y [R, V] into that by x, in place.
  public static func backward(_ gradient: MatrixView, slopes: MatrixView) {
    precondition(slopes.rows == gradient.rows && slopes.columns == gradient.columns)
    for row in 0..<gradient.rows {
      let (values, slopes) = (gradient.row(row), slopes.row(row))
      LaneLoop.forEach(gradient.columns) { offset, access in
        access.store(access.load(values + offset) * access.load(slopes + offset), values + offset)
      }
    }
  }
}

/// tanh x in eight lanes, with a relative error below 4e-7.
enum HyperbolicTangent {
  @inline(__always)
  static func lanes(_ x: Lanes) -> Lanes {
    let one = Lanes(repeating: 1)
    // 1 - 2 / (e^2x + 1) loses the digits of a small result, which is a polynomial instead (Cephes tanhf).
    let square = x * x
    var polynomial = Lanes(repeating: -5.704_988_727_45e-3)
    polynomial = polynomial.times(square, plus: Lanes(repeating: 2.063_908_879_54e-2))
    polynomial = polynomial.times(square, plus: Lanes(repeating: -5.373_971_555_31e-2))
    polynomial = polynomial.times(square, plus: Lanes(repeating: 1.333_144_220_36e-1))
    polynomial = polynomial.times(square, plus: Lanes(repeating: -3.333_328_194_22e-1))
    let small = (polynomial * square).times(x, plus: x)
    let large = one - Lanes(repeating: 2) / (one + Exponential.lanes(x + x))
    return small.replacing(with: large, where: square .>= Lanes(repeating: 0.625 * 0.625))
  }
}
