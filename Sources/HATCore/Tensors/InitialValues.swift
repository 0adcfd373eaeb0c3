import Foundation
import HATKernels
import HATRandom

/// The values a tensor starts with (docs/model.md §6).
public enum InitialValues: Sendable, Equatable {
  /// Drawn from Normal(0, deviation²).
  case normal(deviation: Double)
  case ones
  case zeros
}

/// Draws the parameters a run starts from.
///
/// Every value is a function of the seed and its place in the flat buffer alone, so any thread of any rank can fill any
/// part and gets the same values.
public struct ParameterInitializer: Sendable {
  private let table: TensorTable
  private let seed: UInt64

  public init(_ table: TensorTable, seed: UInt64) { (self.table, self.seed) = (table, seed) }

  /// Fills some floats of the flat buffer, on all threads of `workers`.
  public func fill(_ floats: FlatSlice, workers: WorkerPool = WorkerPool(threads: 1)) {
    workers.split(floats.range.count, unit: 1024, Work(initializer: self, floats: floats))
  }

  private struct Work: PoolWork {
    let initializer: ParameterInitializer
    let floats: FlatSlice

    func perform(_ range: Range<Int>, part: Int) {
      let start = floats.range.lowerBound
      initializer.fillOnThisThread(floats[start + range.lowerBound..<start + range.upperBound])
    }
  }

  private func fillOnThisThread(_ floats: FlatSlice) {
    for tensor in table.tensors where tensor.range.overlaps(floats.range) {
      let part = floats[tensor.range.clamped(to: floats.range)]
      switch tensor.initialValues {
      case .ones: part.base.update(repeating: 1, count: part.count)
      case .zeros: part.base.update(repeating: 0, count: part.count)
      case .normal(let deviation):
        for (offset, index) in part.range.enumerated() {
          part.base[offset] = Float(deviation * normal(at: index))
        }
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
