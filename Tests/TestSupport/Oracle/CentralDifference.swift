/// Slopes by evaluation alone, to judge a gradient with.
public enum CentralDifference {
  /// d f(t) / dt at 0, to the fourth order of `step`.
  public static func slope(step: Double, _ f: (Double) -> Double) -> Double {
    (8 * (f(step) - f(-step)) - (f(2 * step) - f(-2 * step))) / (12 * step)
  }
}
