import Foundation
import HATText

/// The parameters a run starts from (model.md §6).
///
/// Every value is a function of the seed and its place alone, so that any part of the buffer can be filled on its
/// own, on any rank, and holds the same.
public struct ParameterInitializer: Sendable {
  private let layout: ParameterLayout
  private let seed: UInt64

  public init(layout: ParameterLayout, seed: UInt64) {
    self.layout = layout
    self.seed = seed
  }

  /// Fills `range` of the flat buffer that starts at `parameters`.
  public func fill(_ range: Range<Int>, of parameters: UnsafeMutablePointer<Float>) {
    for tensor in layout.tensors {
      let part = tensor.range.clamped(to: range)
      if let deviation = tensor.initialDeviation {
        for index in part { parameters[index] = Float(deviation * normal(at: index)) }
      } else {
        for index in part { parameters[index] = 1 }
      }
    }
  }

  /// A draw from Normal(0, 1) (Box–Muller).
  private func normal(at index: Int) -> Double {
    let counter = 2 * UInt64(index)
    let radius = (-2 * log(uniform(at: counter))).squareRoot()
    return radius * cos(2 * .pi * uniform(at: counter + 1))
  }

  /// A draw from (0, 1].
  private func uniform(at counter: UInt64) -> Double {
    var random = RandomSource(keys: seed, counter)
    return Double((random.next() >> 11) + 1) * 0x1p-53
  }
}
