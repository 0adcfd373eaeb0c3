import CSIMD

/// A sum of squares in double precision that parts are added to one after the other.
///
/// Every position modulo `period` has a partial sum of its own, except behind the last whole period. So parts that
/// are zero may be left out without changing a bit, as long as all parts begin at multiples of the period.
public struct SumOfSquares {
  public static let period = 16

  private var (a, b, c, d) = (SIMD4<Double>(), SIMD4<Double>(), SIMD4<Double>(), SIMD4<Double>())

  public init() {}

  /// Adds the squares of x, [count].
  /// - Parameter count: a multiple of the period, except in the last part.
  public mutating func add(_ x: UnsafePointer<Float>, count: Int) {
    let paired = count & ~(Self.period - 1)
    var offset = 0
    while offset < paired {
      let (first, second) = (Lanes(at: x + offset), Lanes(at: x + offset + 8))
      Self.addSquares(first, &a, &b)
      Self.addSquares(second, &c, &d)
      offset += Self.period
    }
    LaneLoop.forEach(count - paired) { tail, access in
      Self.addSquares(access.load(x + paired + tail), &a, &b)
    }
  }

  public var value: Double {
    let sums = (a + b) + (c + d)
    return (sums[0] + sums[1]) + (sums[2] + sums[3])
  }

  @inline(__always)
  private static func addSquares(_ x: Lanes, _ low: inout SIMD4<Double>, _ high: inout SIMD4<Double>) {
    let (lower, upper) = (hat_low_doubles(x), hat_high_doubles(x))
    low += lower * lower
    high += upper * upper
  }
}
