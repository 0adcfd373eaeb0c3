import Foundation
import HATCore
import HATKernels
import HATStorage
import SystemPackage
import Testing

@Suite struct SafetensorsTests {
  private func withFolder(_ body: (FilePath) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("hat-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(FilePath(folder.path))
  }

  private let configuration: Configuration = {
    var configuration = Configuration()
    (configuration.model.byteNgrams, configuration.model.byteNgramRows) = (3, 10)
    (configuration.model.prefixNgrams, configuration.model.prefixNgramRows) = (2, 12)
    configuration.model.queryKeyNorm = true
    return configuration
  }()

  private func exported(to path: FilePath) throws -> FloatBuffer {
    let table = TensorTable(configuration.model)
    let parameters = FloatBuffer(zeroed: table.count)
    ParameterInitializer(table, seed: 9).fill(FlatSlice(parameters))
    // N-gram tables start at zero, which must not be all that comes back.
    for index in 0..<table.count { parameters.base[index] += Float(index) }
    try WeightsFile.export(
      ModelWeights(table, in: parameters),
      of: .init(configuration: configuration, splittingRule: "whitespace-v1", maxWordBytes: 64, step: 7),
      to: path)
    return parameters
  }

  @Test func weightsComeBackBitForBit() throws {
    try withFolder { folder in
      let path = folder.appending("model.safetensors")
      let parameters = try exported(to: path)
      let loaded = try WeightsFile.load(path, of: configuration)
      #expect(Array(loaded.elements) == Array(parameters.elements))
      let metadata = try SafetensorsReader(opening: path).metadata
      #expect(metadata["step"] == "7")
      #expect(metadata["splitting_rule"] == "whitespace-v1")
      #expect(try Configuration(yaml: metadata["configuration"]!, at: "metadata") == configuration)
    }
  }

  @Test func anotherConfigurationIsRefused() throws {
    try withFolder { folder in
      let path = folder.appending("model.safetensors")
      _ = try exported(to: path)
      for override in [
        "model.layers=3", "model.layers=5", "model.mlp_hidden=64", "model.byte_ngrams=2",
        "model.byte_ngram_rows=11", "model.prefix_ngrams=1", "model.prefix_ngram_rows=13",
        "model.query_key_norm=false",
      ] {
        var other = configuration
        try other.apply(override: override)
        let error = #expect(throws: UserError.self) {
          try WeightsFile.load(TensorFiles(file: path), TensorTable(other.model)) { $0 }
        }
        #expect(error?.kind == .invalidData && error?.problem.contains("tensor") == true)
        let stated = #expect(throws: UserError.self) { try WeightsFile.load(path, of: other) }
        let setting = String(override.prefix { $0 != "=" })
        #expect(stated?.kind == .invalidData && stated?.problem.contains(setting) == true)
      }
    }
  }

  /// No shape says whether the configuration is that of the weights.
  @Test func anotherModelOfTheSameShapesIsRefused() throws {
    try withFolder { folder in
      let path = folder.appending("model.safetensors")
      _ = try exported(to: path)
      var other = configuration
      try other.apply(override: "model.rope_theta=500")
      let error = #expect(throws: UserError.self) { try WeightsFile.load(path, of: other) }
      #expect(error?.kind == .invalidData)
      #expect(error?.problem.contains("model.rope_theta: 10000, 500") == true)
      // The same model.
      other = configuration
      for override in ["model.kv_heads=4", "model.initial_deviation=0.5", "training.steps=3"] {
        try other.apply(override: override)
      }
      _ = try WeightsFile.load(path, of: other)
    }
  }

  @Test func damagedHeadersAreErrors() throws {
    try withFolder { folder in
      let path = folder.appending("model.safetensors")
      _ = try exported(to: path)
      let whole = try FileReader(opening: path).read(at: 0, count: FileReader(opening: path).length)
      let header = Int(whole[0]) | Int(whole[1]) << 8
      for length in [0, 7, 8, 9, header, header + 7, header + 8, whole.count - 1] {
        try DurableFile.write(Array(whole[..<length]), to: path)
        #expect(throws: UserError.self) { try SafetensorsReader(opening: path) }
      }
      var hostile = whole
      hostile.replaceSubrange(0..<8, with: [UInt8](repeating: 0x7F, count: 8))
      try DurableFile.write(hostile, to: path)
      #expect(throws: UserError.self) { try SafetensorsReader(opening: path) }
    }
  }

  @Test(arguments: [
    #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,9223372036854775807]}}"#,
    #"{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
    #"{"a":{"dtype":"F32","shape":[0,4611686018427387904],"data_offsets":[0,0]}}"#,
    #"{"a":3}"#, "[]", "x",
  ])
  func hostileHeadersAreErrors(json: String) throws {
    try withFolder { folder in
      let path = folder.appending("hostile.safetensors")
      var bytes = withUnsafeBytes(of: UInt64(json.utf8.count).littleEndian) { Array($0) }
      bytes += Array(json.utf8) + [UInt8](repeating: 0, count: 8)
      try DurableFile.write(bytes, to: path)
      let error = #expect(throws: UserError.self) { try SafetensorsReader(opening: path) }
      #expect(error?.kind == .invalidData)
      #expect(error?.description.contains("DecodingError") == false, "\(String(describing: error))")
    }
  }
}
