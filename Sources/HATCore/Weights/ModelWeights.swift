import HATKernels
import HATStorage
import SystemPackage

/// Parameters as a safetensors file with the names of model.md §8.
public enum ModelWeights {
  /// What travels with the weights, so that others can use them.
  public struct Description: Sendable {
    public let configuration: Configuration
    /// The name and version of the splitting rule, as in shards.
    public let splittingRule: String
    public let maxWordBytes: Int
    public let step: Int

    public init(configuration: Configuration, splittingRule: String, maxWordBytes: Int, step: Int) {
      self.configuration = configuration
      self.splittingRule = splittingRule
      self.maxWordBytes = maxWordBytes
      self.step = step
    }

    var metadata: [String: String] {
      [
        "format": "hat", "configuration": configuration.yaml(), "splitting_rule": splittingRule,
        "max_word_bytes": String(maxWordBytes), "step": String(step),
      ]
    }
  }

  /// - Throws: `UserError` of kind `cannotWrite`.
  public static func export(
    _ parameters: UnsafePointer<Float>, of description: Description, to path: FilePath
  ) throws {
    let layout = ParameterLayout(description.configuration.model)
    try SafetensorsFile.write(
      tensors(layout, parameters), metadata: description.metadata, to: path)
  }

  /// The tensors of a buffer of the layout, each name behind `prefix`.
  public static func tensors(
    _ layout: ParameterLayout, _ buffer: UnsafePointer<Float>, prefix: String = ""
  ) -> [SafetensorsFile.Tensor] {
    layout.tensors.map { tensor in
      SafetensorsFile.Tensor(
        name: prefix + tensor.name, shape: tensor.shape,
        data: UnsafeBufferPointer(start: buffer + tensor.range.lowerBound, count: tensor.range.count))
    }
  }

  /// Reads every tensor of the layout from a file.
  /// - Throws: `UserError`: `invalidData` naming the first tensor that is missing, superfluous or of another shape.
  public static func load(
    _ path: FilePath, layout: ParameterLayout, into parameters: UnsafeMutablePointer<Float>
  ) throws {
    let file = try SafetensorsReader(opening: path)
    try check(file, against: layout, at: path)
    for tensor in layout.tensors {
      let destination = UnsafeMutableBufferPointer(
        start: parameters + tensor.range.lowerBound, count: tensor.range.count)
      try file.read(tensor.name, into: destination)
      guard Vector.allFinite(destination.baseAddress!, count: destination.count) else {
        throw UserError(
          .invalidData, at: path.string, "tensor \(tensor.name) holds values that are not finite",
          hint: "Export the weights again from a sound model.")
      }
    }
  }

  private static func check(
    _ file: SafetensorsReader, against layout: ParameterLayout, at path: FilePath
  ) throws {
    let expected = Set(layout.tensors.map(\.name))
    if let surplus = file.names.first(where: { !expected.contains($0) }) {
      throw UserError(
        .invalidData, at: path.string, "tensor \(surplus) has no place in a model of this configuration",
        hint: "Give the configuration the weights were trained with.")
    }
    for tensor in layout.tensors {
      guard let shape = file.shape(of: tensor.name) else {
        throw UserError(
          .invalidData, at: path.string, "tensor \(tensor.name) is missing",
          hint: "Give the configuration the weights were trained with.")
      }
      guard shape == tensor.shape else {
        throw UserError(
          .invalidData, at: path.string,
          "tensor \(tensor.name) has shape \(shape) where this configuration has \(tensor.shape)",
          hint: "Give the configuration the weights were trained with.")
      }
    }
  }
}
