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
    /// How the model has read dialogues, if it has.
    public let template: ChatTemplate

    public init(
      configuration: Configuration, splittingRule: String, maxWordBytes: Int, step: Int,
      template: ChatTemplate = .plain
    ) {
      (self.configuration, self.step, self.template) = (configuration, step, template)
      (self.splittingRule, self.maxWordBytes) = (splittingRule, maxWordBytes)
    }

    var metadata: [String: String] {
      var metadata = [
        "format": "hat", "configuration": configuration.yaml(), "splitting_rule": splittingRule,
        "max_word_bytes": String(maxWordBytes), "step": String(step),
      ]
      metadata["template"] = template.record
      return metadata
    }
  }

  /// - Throws: `UserError` of kind `cannotWrite`.
  public static func export(
    _ weights: ModelWeights, of description: Description, as format: FloatFormat = .float32,
    to path: FilePath
  ) throws {
    try SafetensorsFile.write(
      tensors(of: weights) { $0 }, as: format, metadata: description.metadata, to: path)
  }

  /// Writes weights as `transformers` reads them.
  /// - Throws: `UserError` of kind `cannotWrite`.
  public static func export(
    _ weights: ModelWeights, for model: HuggingFaceModel, as format: FloatFormat, to path: FilePath
  ) throws {
    // It wants to know which framework's tensors these are.
    try SafetensorsFile.write(
      tensors(of: weights, named: model.name), as: format, metadata: ["format": "pt"], to: path)
  }

  private static func tensors(
    of weights: ModelWeights, named name: (String) -> String
  ) -> [SafetensorsFile.Tensor] {
    weights.table.tensors.map {
      SafetensorsFile.Tensor(name: name($0.name), shape: $0.shape, data: weights.values(of: $0))
    }
  }

  /// Reads the parameters of a model from a file. If the file states a configuration, the model must be the same: shapes do not say
  /// all of it.
  /// - Returns: the flat buffer of its `TensorTable`.
  /// - Throws: `UserError`: `invalidData` naming the settings that differ, or the first tensor that is missing, superfluous or of another
  ///   shape; `configuration` where this version does not know the configuration stated.
  public static func load(_ path: FilePath, of configuration: Configuration) throws -> FloatBuffer {
    if let yaml = try SafetensorsReader(opening: path).metadata["configuration"] {
      let place = "\(path), configuration"
      let stated = try Configuration(yaml: yaml, at: place)
      try stated.validate(at: place)
      let differences = stated.modelDifferences(from: configuration).map(\.text)
      guard differences.isEmpty else {
        throw mismatch(
          path, "its weights are of another model (file, here): \(differences.joined(separator: "; "))")
      }
    }
    return try load(TensorFiles(file: path), TensorTable(configuration.model)) { $0 }
  }

  /// Reads every tensor of a table.
  /// - Parameter name: of a tensor in the files.
  /// - Returns: the flat buffer, [table.count].
  /// - Throws: `UserError`: `invalidData` naming the first tensor that is missing, superfluous or of another shape.
  public static func load(
    _ files: TensorFiles, _ table: TensorTable, named name: (String) -> String
  ) throws -> FloatBuffer {
    let place = files.place.string
    try check(files, against: table, named: name)
    let parameters = FloatBuffer(zeroed: table.count)
    for tensor in table.tensors {
      let destination = UnsafeMutableBufferPointer(rebasing: parameters.elements[tensor.range])
      try files.read(name(tensor.name), into: destination)
      guard Vector.allFinite(destination.baseAddress!, count: destination.count) else {
        throw UserError(
          .invalidData, at: place, "tensor \(name(tensor.name)) has values that are not finite",
          hint: "Export the weights again from a model whose values are finite.")
      }
    }
    return parameters
  }

  private static func check(
    _ files: TensorFiles, against table: TensorTable, named name: (String) -> String
  ) throws {
    let expected = Set(table.tensors.map { name($0.name) })
    if let surplus = files.names.first(where: { !expected.contains($0) }) {
      throw mismatch(files.place, "tensor \(surplus) has no place in a model of this configuration")
    }
    for tensor in table.tensors {
      let name = name(tensor.name)
      guard let shape = files.shape(of: name) else {
        throw mismatch(files.place, "tensor \(name) is missing")
      }
      guard shape == tensor.shape else {
        throw mismatch(
          files.place, "tensor \(name) has shape \(shape) where this configuration has \(tensor.shape)")
      }
    }
  }

  private static func mismatch(_ place: FilePath, _ problem: String) -> UserError {
    UserError(
      .invalidData, at: place.string, problem, hint: "Give the configuration the weights were trained with.")
  }
}
