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
    let source = RandomSource(keys: seed)
    // The threads share one tensor after another: those of a model are drawn or constant, which is far less work.
    for tensor in table.tensors(overlapping: floats.range) {
      let part = floats[tensor.range.clamped(to: floats.range)]
      workers.split(
        part.count, unit: 1024, Work(values: tensor.initialValues, floats: part, source: source))
    }
  }

  private struct Work: PoolWork {
    let values: InitialValues
    let floats: FlatSlice
    let source: RandomSource

    func perform(_ range: Range<Int>, part: Int) {
      let base = floats.base + range.lowerBound
      switch values {
      case .ones: base.update(repeating: 1, count: range.count)
      case .zeros: base.update(repeating: 0, count: range.count)
      case .normal(let deviation):
        for offset in range {
          floats.base[offset] = Float(deviation * normal(at: floats.range.lowerBound + offset))
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
      var random = source.adding(key: counter)
      return Double((random.next() >> 11) + 1) * 0x1p-53
    }
  }
}
