import HATStorage
import SystemPackage

/// Tensors by name, in one safetensors file or in those that an index names, as `transformers` writes large models.
public struct TensorFiles {
  /// The file, or the index.
  public let place: FilePath
  /// By tensor.
  private let files: [String: SafetensorsReader]

  private static let fileName = "model.safetensors"
  private static let indexName = "model.safetensors.index.json"

  /// - Throws: `UserError`: `missingInput`, `invalidData`.
  public init(file: FilePath) throws {
    let reader = try SafetensorsReader(opening: file)
    place = file
    files = Dictionary(uniqueKeysWithValues: reader.names.map { ($0, reader) })
  }

  /// The weights in a folder of `transformers`.
  /// - Throws: `UserError`: `missingInput`, `invalidData`.
  public init(folder: FilePath) throws {
    let index = folder.appending(Self.indexName)
    guard DurableFile.exists(index), !DurableFile.exists(folder.appending(Self.fileName)) else {
      try self.init(file: folder.appending(Self.fileName))
      return
    }
    let weightMap = try JSONFile.read(ShardIndex.self, from: index, hint: "Export the weights again.")
      .weightMap
    var readers: [String: SafetensorsReader] = [:]
    for name in Set(weightMap.values).sorted() {
      guard !name.utf8.contains(0), FilePath.Component(name)?.kind == .regular else {
        throw Self.invalid(index, "\"\(name)\" is not the name of a file in this folder")
      }
      readers[name] = try SafetensorsReader(opening: folder.appending(name))
    }
    for (tensor, name) in weightMap.sorted(by: { $0.key < $1.key }) {
      guard readers[name]!.shape(of: tensor) != nil else {
        throw Self.invalid(index, "tensor \(tensor) is not in \(name)")
      }
    }
    for (name, reader) in readers.sorted(by: { $0.key < $1.key }) {
      if let tensor = reader.names.first(where: { weightMap[$0] != name }) {
        throw Self.invalid(index, "it does not say that tensor \(tensor) is in \(name)")
      }
    }
    self.init(place: index, files: weightMap.mapValues { readers[$0]! })
  }

  private init(place: FilePath, files: [String: SafetensorsReader]) {
    (self.place, self.files) = (place, files)
  }

  private static func invalid(_ index: FilePath, _ problem: String) -> UserError {
    UserError(.invalidData, at: index.string, problem, hint: "Save the model again.")
  }

  public var names: [String] { files.keys.sorted() }

  public func shape(of name: String) -> [Int]? { files[name]?.shape(of: name) }

  /// Reads a tensor into `destination`, which holds as many floats as its shape says.
  public func read(_ name: String, into destination: UnsafeMutableBufferPointer<Float>) throws {
    guard let file = files[name] else { preconditionFailure("tensor \(name) is in no file") }
    try file.read(name, into: destination)
  }
}

/// The part of an index that is used.
private struct ShardIndex: Decodable {
  /// The file of each tensor.
  var weightMap: [String: String]
}
