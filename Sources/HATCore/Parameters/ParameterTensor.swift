/// One named tensor of the flat parameter buffer (model.md §8).
public struct ParameterTensor: Sendable, Equatable {
  public let name: String
  /// Row-major, [out, in] for matrices, [width] for norms.
  public let shape: [Int]
  /// Where it lies in the flat buffer, in floats.
  public let range: Range<Int>
  /// The standard deviation it starts with; nil for a norm, which starts at ones.
  let initialDeviation: Double?

  package init(name: String, shape: [Int], range: Range<Int>, initialDeviation: Double?) {
    self.name = name
    self.shape = shape
    self.range = range
    self.initialDeviation = initialDeviation
  }

  /// Whether weight decay applies: matrices only (model.md §6).
  public var isMatrix: Bool { initialDeviation != nil }
}
