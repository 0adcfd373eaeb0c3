import CSIMD
import CWide

/// SwiGLU: hidden = silu(gate) ⊙ up, where silu(g) = g / (1 + e^-g) (docs/model.md §4).
public enum SwiGLU {
  /// - Parameters:
  ///   - gateUp: [R, 2F], gate | up
  ///   - hidden: [R, F]
  public static func forward(
    _ gateUp: MatrixView, into hidden: MatrixView, on registers: Registers = .widest
  ) {
    let width = hidden.columns
    precondition(gateUp.columns == 2 * width && gateUp.rows == hidden.rows)
    for row in 0..<hidden.rows {
      let (gate, up, result) = (gateUp.row(row), gateUp.row(row) + width, hidden.row(row))
      let wide = registers.wideCount(width)
      if wide > 0 { hat_wide_swiglu(gate, up, result, wide) }
      LaneLoop.forEach(wide..<width) { offset, access in
        let g = access.load(gate + offset)
        access.store(g * sigmoid(g) * access.load(up + offset), result + offset)
      }
    }
  }

  /// - Parameters:
  ///   - gateUp: [R, 2F], gate | up of the forward pass
  ///   - hiddenGradient: [R, F]
  ///   - gateUpGradient: [R, 2F], overwritten; may be `gateUp`
  ///   - hidden: [R, F], to which the forward pass is written again, unless `nil`; may be `hiddenGradient`
  public static func backward(
    _ gateUp: MatrixView, hiddenGradient: MatrixView, into gateUpGradient: MatrixView,
    hidden: MatrixView? = nil, on registers: Registers = .widest
  ) {
    let width = hiddenGradient.columns
    precondition(gateUp.columns == 2 * width && gateUp.rows == hiddenGradient.rows)
    precondition(gateUpGradient.columns == 2 * width && gateUpGradient.rows == gateUp.rows)
    if let hidden { precondition(hidden.columns == width && hidden.rows == gateUp.rows) }
    for row in 0..<gateUp.rows {
      backwardRow(
        gateUp.row(row), hiddenGradient.row(row), into: gateUpGradient.row(row), hidden: hidden?.row(row),
        width: width, registers)
    }
  }

  @inline(__always)
  private static func backwardRow(
    _ gateUp: FloatPointer, _ hiddenGradient: FloatPointer, into gradient: FloatPointer,
    hidden: FloatPointer?, width: Int, _ registers: Registers
  ) {
    let wide = registers.wideCount(width)
    if wide > 0 {
      hat_wide_swiglu_backward(
        gateUp, gateUp + width, hiddenGradient, gradient, gradient + width, hidden, wide)
    }
    let one = Lanes(repeating: 1)
    LaneLoop.forEach(wide..<width) { offset, access in
      let (g, u) = (access.load(gateUp + offset), access.load(gateUp + width + offset))
      let dh = access.load(hiddenGradient + offset)
      let s = sigmoid(g)
      let silu = g * s
      // d silu / dg = s + g·s·(1 - s)
      let slope = silu.times(one - s, plus: s)
      access.store(dh * u * slope, gradient + offset)
      access.store(dh * silu, gradient + width + offset)
      if let hidden { access.store(silu * u, hidden + offset) }
    }
  }

  @inline(__always)
  private static func sigmoid(_ x: Lanes) -> Lanes {
    let one = Lanes(repeating: 1)
    return one / (one + Exponential.lanes(Lanes() - x))
  }
}
