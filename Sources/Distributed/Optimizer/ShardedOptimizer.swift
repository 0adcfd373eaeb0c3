import HATCore
import HATKernels

/// AdamW (model.md §6) on the ranges of the flat buffer a rank keeps moments of.
public final class ShardedOptimizer {
  /// The floats there are moments of.
  public let ranges: [Range<Int>]
  /// [parameters], of which `ranges` exist.
  public let firstMoments: FloatBuffer
  /// [parameters], of which `ranges` exist.
  public let secondMoments: FloatBuffer

  private let weightDecay: Double
  /// Parts of `ranges` that are updated alike.
  private let spans: [Span]

  private struct Span {
    var range: Range<Int>
    var decays: Bool
  }

  private static let (beta1, beta2, epsilon) = (0.9, 0.95, 1e-8)

  /// - Parameter ranges: in ascending order.
  public init(_ ranges: [Range<Int>], of tensors: [ParameterTensor], weightDecay: Double) {
    self.ranges = ranges
    self.weightDecay = weightDecay
    let count = tensors.last?.range.upperBound ?? 0
    firstMoments = FloatBuffer(reserving: count)
    secondMoments = FloatBuffer(reserving: count)
    for range in ranges {
      for moments in [firstMoments, secondMoments] {
        Vector.fillZero(moments.base + range.lowerBound, count: range.count)
      }
    }
    spans = ranges.flatMap { Self.spans(of: tensors, in: $0) }
  }

  /// One optimiser step on `ranges`.
  /// - Parameters:
  ///   - parameters: [parameters]
  ///   - gradient: [parameters], reduced.
  ///   - gradientScale: factor on every gradient: clipping times 1 / number of target positions.
  ///   - step: counted from 1.
  public func update(
    _ parameters: FloatPointer, gradient: UnsafePointer<Float>, gradientScale: Double, learningRate: Double,
    step: Int
  ) {
    for span in spans {
      let start = span.range.lowerBound
      AdamW.update(
        parameters: parameters + start, gradients: gradient + start, firstMoments: firstMoments.base + start,
        secondMoments: secondMoments.base + start, count: span.range.count,
        step: numbers(
          of: step, learningRate: learningRate, gradientScale: gradientScale, decays: span.decays))
    }
  }

  private func numbers(
    of step: Int, learningRate: Double, gradientScale: Double, decays: Bool
  ) -> AdamW.Step {
    AdamW.Step(
      learningRate: Float(learningRate), beta1: Float(Self.beta1), beta2: Float(Self.beta2),
      epsilon: Float(Self.epsilon), weightDecay: decays ? Float(weightDecay) : 0,
      gradientScale: Float(gradientScale),
      biasCorrection1: Float(1 - power(Self.beta1, step)),
      biasCorrection2: Float(1 - power(Self.beta2, step)))
  }

  /// base ^ exponent by products of squares: no library whose rounding may differ.
  private func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, square, rest) = (1.0, base, exponent)
    while rest > 0 {
      if rest & 1 == 1 { result *= square }
      square *= square
      rest >>= 1
    }
    return result
  }

  /// Neighbouring tensors that are updated alike, joined and cut to `range`.
  private static func spans(of tensors: [ParameterTensor], in range: Range<Int>) -> [Span] {
    var spans: [Span] = []
    for tensor in tensors {
      let part = tensor.range.clamped(to: range)
      if part.isEmpty { continue }
      if let last = spans.last, last.decays == tensor.isMatrix, last.range.upperBound == part.lowerBound {
        spans[spans.count - 1].range = last.range.lowerBound..<part.upperBound
      } else {
        spans.append(Span(range: part, decays: tensor.isMatrix))
      }
    }
    return spans
  }
}
