import CSIMD

/// The element-wise part of Muon (Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024) that comes
/// before the momentum is orthogonalised.
public enum Muon {
  /// Lets the momentum follow the gradient, m ← βm + (1 − β)g, and looks one step ahead: `update` = (1 − β)g + βm.
  /// All buffers are [count]; an element's result depends on its own numbers alone.
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
}
