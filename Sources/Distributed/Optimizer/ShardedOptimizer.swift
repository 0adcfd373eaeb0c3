import HATCore
import HATKernels
import HATStorage

/// AdamW (model.md §6) of which each rank keeps and applies its share.
///
/// ZeRO stage 1: the moments exist only for the slice a rank owns, and updated slices are gathered. Stage 0: the
/// moments exist everywhere; the reduced gradient is gathered instead and every rank updates everything. Both
/// reach the same parameters to the last bit.
public final class ShardedOptimizer {
  /// The floats this rank holds moments of.
  public let momentRange: Range<Int>
  /// [momentRange]
  public let firstMoments: FloatBuffer
  /// [momentRange]
  public let secondMoments: FloatBuffer

  private let communicator: any Communicator
  private let table: SliceTable
  private let isSharded: Bool
  private let weightDecay: Double
  /// Parts of `momentRange` that are updated alike.
  private let spans: [Span]

  private struct Span {
    var range: Range<Int>
    var decays: Bool
  }

  private static let (beta1, beta2, epsilon) = (0.9, 0.95, 1e-8)

  /// - Throws: `UserError` of kind `configuration` for a stage that is not there.
  public init(
    communicator: any Communicator, table: SliceTable, tensors: [ParameterTensor], zeroStage: Int,
    weightDecay: Double
  ) throws {
    guard zeroStage == 0 || zeroStage == 1 else {
      throw UserError(
        .configuration, at: "training.zero_stage", "stage \(zeroStage) is not available",
        hint: "Choose 0 (all moments on every rank) or 1 (each rank holds its share).")
    }
    self.communicator = communicator
    self.table = table
    self.weightDecay = weightDecay
    isSharded = zeroStage == 1
    let range = isSharded ? table.slices[communicator.rank] : 0..<table.count
    momentRange = range
    firstMoments = FloatBuffer(zeroed: range.count)
    secondMoments = FloatBuffer(zeroed: range.count)
    spans = Self.spans(of: tensors, in: range)
  }

  /// One optimiser step; afterwards every rank holds all updated parameters.
  /// - Parameters:
  ///   - parameters: [parameters], the same on every rank.
  ///   - gradient: [parameters], of which this rank's slice is reduced.
  ///   - gradientScale: factor on every gradient: clipping times 1 / number of target positions.
  ///   - step: counted from 1.
  public func update(
    _ parameters: FloatBuffer, gradient: FloatBuffer, gradientScale: Double, learningRate: Double, step: Int
  ) throws {
    if !isSharded { try communicator.allGatherInPlace(gradient.base, partition: table.slices) }
    for span in spans {
      let (start, moment) = (span.range.lowerBound, span.range.lowerBound - momentRange.lowerBound)
      AdamW.update(
        parameters: parameters.base + start, gradients: gradient.base + start,
        firstMoments: firstMoments.base + moment, secondMoments: secondMoments.base + moment,
        count: span.range.count,
        step: numbers(
          of: step, learningRate: learningRate, gradientScale: gradientScale, decays: span.decays))
    }
    if isSharded { try communicator.allGatherInPlace(parameters.base, partition: table.slices) }
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
