import CSIMD

/// The element-wise parts of Muon (Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024), each in
/// one sweep. All buffers are [count]; an element's result depends on its own numbers alone.
public enum Muon {
  /// Lets the momentum follow the gradient, m ← βm + (1 − β)g, and looks one step ahead: `update` = (1 − β)g + βm.
  /// - Parameters:
  ///   - gradientScale: factor on the gradient, which gives g.
  ///   - decay: β.
  public static func follow(
    _ gradient: UnsafePointer<Float>, gradientScale: Float, decay: Float, momentum: FloatPointer,
    update: FloatPointer, count: Int
  ) {
    let (scale, newWeight) = (Lanes(repeating: gradientScale), Lanes(repeating: 1 - decay))
    let decay = Lanes(repeating: decay)
    LaneLoop.forEach(count) { offset, access in
      let fresh = access.load(gradient + offset) * scale * newWeight
      let kept = access.load(momentum + offset).times(decay, plus: fresh)
      access.store(kept, momentum + offset)
      access.store(kept.times(decay, plus: fresh), update + offset)
    }
  }

  /// x ← factor · x + otherFactor · other.
  public static func combine(
    _ x: FloatPointer, factor: Float, other: UnsafePointer<Float>, otherFactor: Float, count: Int
  ) {
    let (factor, otherFactor) = (Lanes(repeating: factor), Lanes(repeating: otherFactor))
    LaneLoop.forEach(count) { offset, access in
      let added = access.load(other + offset) * otherFactor
      access.store(access.load(x + offset).times(factor, plus: added), x + offset)
    }
  }

  public static func scale(_ x: FloatPointer, by factor: Float, count: Int) {
    let factor = Lanes(repeating: factor)
    LaneLoop.forEach(count) { offset, access in access.store(access.load(x + offset) * factor, x + offset) }
  }
}
