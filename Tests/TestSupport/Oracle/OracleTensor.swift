/// A matrix of doubles that an `OracleTape` has computed: its value and the gradient of the propagated sum.
public final class OracleTensor {
  public let rows: Int
  public let columns: Int
  /// [rows, columns], row-major.
  public let value: [Double]
  /// [rows, columns]: zero until `OracleTape.propagate` has run.
  public internal(set) var gradient: [Double]

  public init(rows: Int, columns: Int, _ value: [Double]) {
    precondition(value.count == rows * columns, "a matrix has rows × columns values")
    self.rows = rows
    self.columns = columns
    self.value = value
    gradient = [Double](repeating: 0, count: value.count)
  }

  public func row(_ index: Int) -> ArraySlice<Double> {
    value[(index * columns)..<((index + 1) * columns)]
  }

  public func gradientRow(_ index: Int) -> ArraySlice<Double> {
    gradient[(index * columns)..<((index + 1) * columns)]
  }
}
