import Foundation

/// What held-out bits per byte a model is expected to reach, by its training FLOPs per byte of text `F` and the bytes of text `D`
/// that it reads, each once:
///
///     L(F, D) = floor + size (F / F₀)^-sizeExponent + text (D / D₀)^-textExponent
///
/// The form of Hoffmann et al. (arXiv 2203.15556, equation 2), with FLOPs per byte in the place of parameters: hierarchical models
/// and baselines are compared at equal FLOPs, and n-gram tables have parameters that cost none.
public struct ScalingLaw: Sendable, Equatable {
  public struct Coefficients: Sendable, Equatable {
    /// Bits per byte that no size and no text takes away.
    public let floor: Double
    /// Bits per byte that a model of F₀ loses by its size, and how fast that falls.
    public let size: Double
    public let sizeExponent: Double
    /// Bits per byte that a model loses by reading only D₀, and how fast that falls.
    public let text: Double
    public let textExponent: Double

    public init(floor: Double, size: Double, sizeExponent: Double, text: Double, textExponent: Double) {
      (self.floor, self.size, self.sizeExponent) = (floor, size, sizeExponent)
      (self.text, self.textExponent) = (text, textExponent)
    }

    func bitsPerByte(flopsPerByte: Double, textBytes: Double) -> Double {
      floor + size * pow(flopsPerByte / ScalingLaw.referenceFlopsPerByte, -sizeExponent)
        + text * pow(textBytes / ScalingLaw.referenceTextBytes, -textExponent)
    }
  }

  /// An expected number of bits per byte.
  public struct Prediction: Sendable, Equatable {
    public let bitsPerByte: Double
    /// Where nine of ten runs end, as far as the runs that the law was fitted to can tell.
    public let interval: ClosedRange<Double>
  }

  /// How many times a run lies outside the measured ones: above 1 beyond the largest, below 1 under the smallest, else 1.
  public struct Extrapolation: Sendable, Equatable {
    public let flopsPerByte: Double
    public let text: Double
  }

  public let coefficients: Coefficients
  /// Of laws fitted to losses drawn anew around the law (docs/scaling-laws.md).
  public let resampled: [Coefficients]
  /// Standard deviation of the runs' bits per byte from those of the law.
  public let residualDeviation: Double
  /// `F` of the runs.
  public let flopsPerByte: ClosedRange<Double>
  /// `D` of the runs.
  public let textBytes: ClosedRange<Double>

  /// The 95 % quantile of the standard normal distribution.
  private static let normalQuantile = 1.645

  public init(
    coefficients: Coefficients, resampled: [Coefficients], residualDeviation: Double,
    flopsPerByte: ClosedRange<Double>, textBytes: ClosedRange<Double>
  ) {
    precondition(!resampled.isEmpty && flopsPerByte.lowerBound > 0 && textBytes.lowerBound > 0)
    (self.coefficients, self.resampled) = (coefficients, resampled)
    (self.residualDeviation, self.flopsPerByte, self.textBytes) = (residualDeviation, flopsPerByte, textBytes)
  }

  public func bitsPerByte(flopsPerByte: Double, textBytes: Double) -> Double {
    coefficients.bitsPerByte(flopsPerByte: flopsPerByte, textBytes: textBytes)
  }

  /// The interval is from the 5 % to the 95 % quantile of the resampled laws, widened by the deviation of single runs: the squares
  /// of both distances add up.
  public func prediction(flopsPerByte: Double, textBytes: Double) -> Prediction {
    let expected = bitsPerByte(flopsPerByte: flopsPerByte, textBytes: textBytes)
    let others = resampled.map { $0.bitsPerByte(flopsPerByte: flopsPerByte, textBytes: textBytes) }.sorted()
    let run = Self.normalQuantile * residualDeviation
    let below = hypot(max(0, expected - Self.quantile(0.05, of: others)), run)
    let above = hypot(max(0, Self.quantile(0.95, of: others) - expected), run)
    return Prediction(bitsPerByte: expected, interval: expected - below...expected + above)
  }

  public func extrapolation(flopsPerByte: Double, textBytes: Double) -> Extrapolation {
    Extrapolation(
      flopsPerByte: Self.factor(flopsPerByte, outside: self.flopsPerByte),
      text: Self.factor(textBytes, outside: self.textBytes))
  }

  private static func factor(_ value: Double, outside range: ClosedRange<Double>) -> Double {
    value / min(max(value, range.lowerBound), range.upperBound)
  }

  /// Between two values in proportion.
  private static func quantile(_ fraction: Double, of sorted: [Double]) -> Double {
    let place = fraction * Double(sorted.count - 1)
    let (lower, upper) = (sorted[Int(place)], sorted[min(Int(place) + 1, sorted.count - 1)])
    return lower + (place - place.rounded(.down)) * (upper - lower)
  }
}
