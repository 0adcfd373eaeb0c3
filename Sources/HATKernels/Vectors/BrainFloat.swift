/// Floats of sixteen bits (bfloat16): the upper half of a float, rounded to nearest, ties to even.
public enum BrainFloat {
  /// Infinities stay infinities, and NaN stays NaN.
  public static func round(
    _ source: UnsafePointer<Float>, into bits: UnsafeMutablePointer<UInt16>, count: Int
  ) {
    for index in 0..<count { bits[index] = rounded(source[index].bitPattern) }
  }

  public static func expand(_ bits: UnsafePointer<UInt16>, into destination: FloatPointer, count: Int) {
    for index in 0..<count { destination[index] = Float(bitPattern: UInt32(bits[index]) << 16) }
  }

  @inline(__always)
  private static func rounded(_ pattern: UInt32) -> UInt16 {
    let isNaN = pattern & 0x7FFF_FFFF > 0x7F80_0000
    // Half a unit of the last place kept, minus one if that place is even, so that ties go to even.
    let nearest = (pattern &+ 0x7FFF &+ (pattern >> 16 & 1)) >> 16
    return UInt16(truncatingIfNeeded: isNaN ? pattern >> 16 | 0x40 : nearest)
  }
}
