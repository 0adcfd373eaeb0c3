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

  /// Rounds a matrix in place, and writes it to `kept`, if there is one.
  public static func round(_ matrix: MatrixView, keepingIn kept: BrainFloatMatrix?) {
    for row in 0..<matrix.rows {
      let values = matrix.row(row)
      if let kept {
        round(values, into: kept.row(row), count: matrix.columns)
        expand(kept.row(row), into: values, count: matrix.columns)
      } else {
        for column in 0..<matrix.columns {
          values[column] = Float(bitPattern: UInt32(rounded(values[column].bitPattern)) << 16)
        }
      }
    }
  }

  /// Writes the floats of a matrix.
  public static func expand(_ kept: BrainFloatMatrix, into matrix: MatrixView) {
    precondition(kept.rows == matrix.rows && kept.columns == matrix.columns)
    for row in 0..<matrix.rows { expand(kept.row(row), into: matrix.row(row), count: matrix.columns) }
  }

  @inline(__always)
  private static func rounded(_ pattern: UInt32) -> UInt16 {
    let isNaN = pattern & 0x7FFF_FFFF > 0x7F80_0000
    // Half a unit of the last place kept, minus one if that place is even, so that ties go to even.
    let nearest = (pattern &+ 0x7FFF &+ (pattern >> 16 & 1)) >> 16
    return UInt16(truncatingIfNeeded: isNaN ? pattern >> 16 | 0x40 : nearest)
  }
}

/// A row-major matrix [rows, columns] of bfloat16, without gaps, that somebody else owns.
public struct BrainFloatMatrix {
  private let base: UnsafeMutablePointer<UInt16>
  public let rows: Int
  public let columns: Int

  private init(_ base: UnsafeMutablePointer<UInt16>, rows: Int, columns: Int) {
    (self.base, self.rows, self.columns) = (base, rows, columns)
  }

  /// - Parameter floats: room for half as many floats as there are elements.
  public init(inFloats floats: FloatPointer, rows: Int, columns: Int) {
    let bits = UnsafeMutableRawPointer(floats).bindMemory(to: UInt16.self, capacity: rows * columns)
    self.init(bits, rows: rows, columns: columns)
  }

  public func row(_ index: Int) -> UnsafeMutablePointer<UInt16> { base + index * columns }

  /// The rows `range` of this matrix.
  public func rows(_ range: Range<Int>) -> BrainFloatMatrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows)
    return BrainFloatMatrix(row(range.lowerBound), rows: range.count, columns: columns)
  }
}
