// Placeholders until the runs are fitted.

extension ScalingLaw {
  /// F₀.
  static let referenceFlopsPerByte = 1e6
  /// D₀.
  static let referenceTextBytes = 1e7

  public static let hierarchical = ScalingLaw(
    coefficients: .init(floor: 0.9, size: 0.4, sizeExponent: 0.35, text: 0.5, textExponent: 0.35),
    resampled: [
      .init(floor: 0.88, size: 0.42, sizeExponent: 0.34, text: 0.51, textExponent: 0.34),
      .init(floor: 0.92, size: 0.38, sizeExponent: 0.36, text: 0.49, textExponent: 0.36),
    ], residualDeviation: 0.01, flopsPerByte: 3e5...8e6, textBytes: 3.4e6...2.8e7)

  public static let subword = ScalingLaw(
    coefficients: .init(floor: 0.9, size: 0.45, sizeExponent: 0.3, text: 0.5, textExponent: 0.3),
    resampled: [
      .init(floor: 0.88, size: 0.47, sizeExponent: 0.29, text: 0.51, textExponent: 0.29),
      .init(floor: 0.92, size: 0.43, sizeExponent: 0.31, text: 0.49, textExponent: 0.31),
    ], residualDeviation: 0.01, flopsPerByte: 3e5...8e6, textBytes: 3.4e6...2.8e7)
}
