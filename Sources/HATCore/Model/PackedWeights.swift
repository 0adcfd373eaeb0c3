import HATKernels

/// Weights arranged for many products of few rows: each is packed once, as it is first met. They must not change while this
/// object lives.
final class PackedWeights {
  private struct Place: Hashable {
    let base: UnsafePointer<Float>
    let rows: Int
  }

  private let precision: Precision
  private var packed: [Place: (matrix: PackedMatrix, floats: FloatBuffer)] = [:]

  init(in precision: Precision) { self.precision = precision }

  /// Floats that weights take.
  static func floats(_ weights: [MatrixPlace], in precision: Precision) -> Int {
    weights.reduce(0) { $0 + PackedMatrix.floats(columns: $1.rows, terms: $1.columns, in: precision) }
  }

  func callAsFunction(_ weight: ConstantMatrixView) -> LinearWeight {
    let place = Place(base: weight.base, rows: weight.rows)
    if let packed = packed[place] { return LinearWeight(weight, packed: packed.matrix) }
    let floats = FloatBuffer(
      zeroed: PackedMatrix.floats(columns: weight.rows, terms: weight.columns, in: precision))
    let matrix = PackedMatrix(transposing: weight, in: precision, into: floats.base)
    packed[place] = (matrix, floats)
    return LinearWeight(weight, packed: matrix)
  }
}
