/// Values for every tensor of a shape, by the names of docs/model.md §8.
public struct OracleParameters: Sendable, Equatable {
  public struct Tensor: Sendable, Equatable {
    public var shape: [Int]
    /// Row-major.
    public var values: [Double]

    public init(shape: [Int], values: [Double]) {
      precondition(values.count == shape.reduce(1, *))
      self.shape = shape
      self.values = values
    }
  }

  public var tensors: [String: Tensor]

  public init(tensors: [String: Tensor]) {
    self.tensors = tensors
  }
}

extension OracleParameters {
  /// Values large enough that no gradient is lost beside the others: matrices of variance 1 / inputs,
  /// embeddings of variance 1, gains spread around 1. Every value is exact in single precision.
  public static func random(_ shape: OracleShape, seed: UInt64) -> OracleParameters {
    random(shape.tensors, seed: seed)
  }

  static func random(_ shapes: [(name: String, shape: [Int])], seed: UInt64) -> OracleParameters {
    var generator = OracleGenerator(seed: seed)
    var tensors: [String: Tensor] = [:]
    for (name, dimensions) in shapes {
      let count = dimensions.reduce(1, *)
      let values: [Double]
      if dimensions.count == 1 {
        values = (0..<count).map { _ in 1 + 0.2 * generator.normal() }
      } else {
        let deviation = name.hasSuffix("_embedding.weight") ? 1 : 1 / Double(dimensions[1]).squareRoot()
        values = (0..<count).map { _ in deviation * generator.normal() }
      }
      tensors[name] = Tensor(shape: dimensions, values: values.map { Double(Float($0)) })
    }
    return OracleParameters(tensors: tensors)
  }

  /// The same parameters with one tensor moved by `distance` along `direction`.
  public func moved(_ name: String, along direction: [Double], by distance: Double) -> OracleParameters {
    var copy = self
    copy.tensors[name]!.values = zip(tensors[name]!.values, direction).map { $0 + distance * $1 }
    return copy
  }
}
