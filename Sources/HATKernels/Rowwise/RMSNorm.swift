import CSIMD

/// RMSNorm: y = x · gain / sqrt(mean(x²) + 1e-5) in each row (docs/model.md §4).
public enum RMSNorm {
  static let epsilon: Float = 1e-5

  /// - Parameters:
  ///   - x: [R, width]
  ///   - gain: [width]
  ///   - y: [R, width], may be `x`; NaN where the squares of a row add up to infinity
  ///   - inverseRoots: [R], 1 / sqrt(mean(x²) + 1e-5) of each row, for the backward pass
  public static func forward(
    _ x: MatrixView, gain: UnsafePointer<Float>, into y: MatrixView, inverseRoots: FloatPointer
  ) {
    precondition(y.rows == x.rows && y.columns == x.columns)
    for row in 0..<x.rows {
      let (source, destination) = (x.row(row), y.row(row))
      let sumOfSquares = sum(x.columns) { offset, access, partial in
        let value = access.load(source + offset)
        return value.times(value, plus: partial)
      }
      // A row whose squares are too large must not become one of zeros, which looks like any other.
      let inverseRoot =
        sumOfSquares.isFinite ? 1 / (sumOfSquares / Float(x.columns) + epsilon).squareRoot() : .nan
      inverseRoots[row] = inverseRoot
      let factor = Lanes(repeating: inverseRoot)
      LaneLoop.forEach(x.columns) { offset, access in
        access.store(access.load(source + offset) * factor * access.load(gain + offset), destination + offset)
      }
    }
  }

  /// Computes the gradients by x [R, width] and by gain [width] from that by y and the inverse roots of the forward pass. The
  /// one by gain is added to `gainGradient`.
  /// - Parameter adding: true adds the gradient by x to `dx`; false overwrites `dx`, which may then be `outputGradient`.
  public static func backward(
    _ x: MatrixView, gain: UnsafePointer<Float>, inverseRoots: UnsafePointer<Float>,
    outputGradient: MatrixView, adding: Bool, into dx: MatrixView,
    addGainGradientTo gainGradient: FloatPointer
  ) {
    precondition(dx.rows == x.rows && dx.columns == x.columns)
    precondition(outputGradient.rows == x.rows && outputGradient.columns == x.columns)
    for row in 0..<x.rows {
      let (input, dy, inputGradient) = (x.row(row), outputGradient.row(row), dx.row(row))
      let inverseRoot = inverseRoots[row]
      let projection = sum(x.columns) { offset, access, partial in
        (access.load(input + offset) * access.load(dy + offset))
          .times(access.load(gain + offset), plus: partial)
      }
      let root = Lanes(repeating: inverseRoot)
      let correction = Lanes(
        repeating: -inverseRoot * inverseRoot * inverseRoot * projection / Float(x.columns))
      LaneLoop.forEach(x.columns) { offset, access in
        let (value, slope) = (access.load(input + offset), access.load(dy + offset) * root)
        let gradient = value.times(correction, plus: slope * access.load(gain + offset))
        let before = adding ? access.load(inputGradient + offset) : Lanes()
        access.store(before + gradient, inputGradient + offset)
        access.store(value.times(slope, plus: access.load(gainGradient + offset)), gainGradient + offset)
      }
    }
  }

  /// A sum over `count` elements in four registers, so that an addition does not wait for the one before it.
  @inline(__always)
  private static func sum(
    _ count: Int, _ term: (_ offset: Int, _ access: LaneAccess, _ partial: Lanes) -> Lanes
  ) -> Float {
    var (a, b, c, d) = (Lanes(), Lanes(), Lanes(), Lanes())
    let blocked = count & ~31
    var offset = 0
    while offset < blocked {
      a = term(offset, .full, a)
      b = term(offset + 8, .full, b)
      c = term(offset + 16, .full, c)
      d = term(offset + 24, .full, d)
      offset += 32
    }
    LaneLoop.forEach(count - blocked) { tail, access in a = term(blocked + tail, access, a) }
    return ((a + b) + (c + d)).total
  }
}
