import HATKernels
import HATStorage
import SystemPackage

/// Weights as a safetensors file with the names of docs/model.md §8.
public enum WeightsFile {
  /// What travels with the weights, so that others can use them.
  public struct Description: Sendable {
    public let configuration: Configuration
    /// The name and version of the splitting rule, as in shards.
    public let splittingRule: String
    public let maxWordBytes: Int
    public let step: Int

    public init(configuration: Configuration, splittingRule: String, maxWordBytes: Int, step: Int) {
      (self.configuration, self.step) = (configuration, step)
      (self.splittingRule, self.maxWordBytes) = (splittingRule, maxWordBytes)
    }

    var metadata: [String: String] {
      [
        "format": "hat", "configuration": configuration.yaml(), "splitting_rule": splittingRule,
        "max_word_bytes": String(maxWordBytes), "step": String(step),
      ]
    }
  }

  /// - Throws: `UserError` of kind `cannotWrite`.
  public static func export(_ weights: ModelWeights, of description: Description, to path: FilePath) throws {
    try SafetensorsFile.write(
      weights.table.tensors.map {
        SafetensorsFile.Tensor(name: $0.name, shape: $0.shape, data: weights.values(of: $0))
      }, metadata: description.metadata, to: path)
  }

  /// Reads every tensor of a table from a file.
  /// - Returns: the flat buffer, [table.count].
  /// - Throws: `UserError`: `invalidData` naming the first tensor that is missing, superfluous or of another shape.
  public static func load(_ path: FilePath, _ table: TensorTable) throws -> FloatBuffer {
    let file = try SafetensorsReader(opening: path)
    try check(file, against: table, at: path)
    let parameters = FloatBuffer(zeroed: table.count)
    for tensor in table.tensors {
      let destination = UnsafeMutableBufferPointer(rebasing: parameters.elements[tensor.range])
      try file.read(tensor.name, into: destination)
      guard Vector.allFinite(destination.baseAddress!, count: destination.count) else {
        throw UserError(
          .invalidData, at: path.string, "tensor \(tensor.name) has values that are not finite",
          hint: "Export the weights again from a model whose values are finite.")
      }
    }
    return parameters
  }

  private static func check(_ file: SafetensorsReader, against table: TensorTable, at path: FilePath) throws {
    func mismatch(_ problem: String) -> UserError {
      UserError(
        .invalidData, at: path.string, problem, hint: "Give the configuration the weights were trained with.")
    }
    let expected = Set(table.tensors.map(\.name))
    if let surplus = file.names.first(where: { !expected.contains($0) }) {
      throw mismatch("tensor \(surplus) has no place in a model of this configuration")
    }
    for tensor in table.tensors {
      guard let shape = file.shape(of: tensor.name) else {
        throw mismatch("tensor \(tensor.name) is missing")
      }
      guard shape == tensor.shape else {
        throw mismatch(
          "tensor \(tensor.name) has shape \(shape) where this configuration has \(tensor.shape)")
      }
    }
  }
}
