import CSIMD

/// Sums, copies and checks of flat float buffers.
public enum Vector {
  /// destination += source, [count].
  public static func add(_ source: UnsafePointer<Float>, to destination: FloatPointer, count: Int) {
    sum(source, destination, into: destination, count: count)
  }

  /// c = a + b, [count]; `c` may be `a` or `b`.
  public static func sum(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into c: FloatPointer, count: Int
  ) {
    LaneLoop.forEach(count) { offset, access in
      access.store(access.load(a + offset) + access.load(b + offset), c + offset)
    }
  }

  public static func fillZero(_ destination: FloatPointer, count: Int) {
    destination.update(repeating: 0, count: count)
  }

  /// Σ x², accumulated in double precision in an order that depends on `count` alone.
  public static func sumOfSquares(_ x: UnsafePointer<Float>, count: Int) -> Double {
    var (a, b, c, d) = (SIMD4<Double>(), SIMD4<Double>(), SIMD4<Double>(), SIMD4<Double>())
    let paired = count & ~15
    var offset = 0
    while offset < paired {
      let (first, second) = (Lanes(at: x + offset), Lanes(at: x + offset + 8))
      addSquares(first, &a, &b)
      addSquares(second, &c, &d)
      offset += 16
    }
    LaneLoop.forEach(count - paired) { tail, access in
      addSquares(access.load(x + paired + tail), &a, &b)
    }
    let sums = (a + b) + (c + d)
    return (sums[0] + sums[1]) + (sums[2] + sums[3])
  }

  @inline(__always)
  private static func addSquares(_ x: Lanes, _ low: inout SIMD4<Double>, _ high: inout SIMD4<Double>) {
    let (lower, upper) = (hat_low_doubles(x), hat_high_doubles(x))
    low += lower * lower
    high += upper * upper
  }

  /// Whether no element is infinite or NaN.
  public static func allFinite(_ x: UnsafePointer<Float>, count: Int) -> Bool {
    // 0 · x is 0 for every finite x and NaN for the others; a NaN never leaves a sum.
    var (a, b, c, d) = (Lanes(), Lanes(), Lanes(), Lanes())
    let zero = Lanes()
    let blocked = count & ~31
    var offset = 0
    while offset < blocked {
      a = Lanes(at: x + offset).times(zero, plus: a)
      b = Lanes(at: x + offset + 8).times(zero, plus: b)
      c = Lanes(at: x + offset + 16).times(zero, plus: c)
      d = Lanes(at: x + offset + 24).times(zero, plus: d)
      offset += 32
    }
    LaneLoop.forEach(count - blocked) { tail, access in
      a = access.load(x + blocked + tail).times(zero, plus: a)
    }
    return ((a + b) + (c + d)).total == 0
  }
}
