import HATCore
import HATKernels
import HATStorage
import SystemPackage
import TestSupport
import Testing

@Suite struct HuggingFaceModelTests {
  private func configuration(_ overrides: [String], subword: Bool = false) throws -> Configuration {
    var configuration = try Configuration(yaml: subword ? "model: { kind: subword }" : "", at: "test")
    for override in overrides { try configuration.apply(override: override) }
    return configuration
  }

  private func description(_ configuration: Configuration) -> WeightsFile.Description {
    WeightsFile.Description(
      configuration: configuration, splittingRule: "whitespace-v1", maxWordBytes: 48, step: 7)
  }

  private func settings(_ configuration: Configuration) -> JSONValue {
    HuggingFaceModel(configuration).settings(of: description(configuration), format: .float32)
  }

  @Test func theBaselineHasTheNamesOfLlama() throws {
    let model = HuggingFaceModel(
      try configuration(["model.layers=1", "model.query_key_norm=true"], subword: true))
    let names = TensorTable(
      try configuration(["model.layers=1", "model.query_key_norm=true"], subword: true).model
    )
    .tensors.map { model.name(of: $0.name) }
    #expect(
      names == [
        "model.embed_tokens.weight",
        "model.layers.0.input_layernorm.weight", "model.layers.0.self_attn.q_proj.weight",
        "model.layers.0.self_attn.k_proj.weight", "model.layers.0.self_attn.v_proj.weight",
        "model.layers.0.self_attn.o_proj.weight", "model.layers.0.self_attn.q_norm.weight",
        "model.layers.0.self_attn.k_norm.weight", "model.layers.0.post_attention_layernorm.weight",
        "model.layers.0.mlp.gate_proj.weight", "model.layers.0.mlp.up_proj.weight",
        "model.layers.0.mlp.down_proj.weight", "model.norm.weight", "lm_head.weight",
      ])
  }

  @Test func theSimplestClassThatHasAllIsChosen() throws {
    for (overrides, expected) in [
      ([], "LlamaForCausalLM"), (["model.query_key_norm=true"], "Qwen3ForCausalLM"),
      (["model.token_ngrams=2"], "LlamaWithNgramsForCausalLM"),
      (["model.token_ngrams=3", "model.query_key_norm=true"], "Qwen3WithNgramsForCausalLM"),
    ] {
      let model = HuggingFaceModel(try configuration(overrides, subword: true))
      #expect(model.architecture.rawValue == expected)
      #expect((model.module == nil) == !expected.contains("Ngrams"))
    }
    #expect(HuggingFaceModel(try configuration([])).architecture == .hierarchical)
  }

  @Test(arguments: [false, true])
  func aConfigurationComesBack(subword: Bool) throws {
    let configuration = try configuration(
      ["model.width=96", "model.head_size=16", "model.kv_heads=3", "training.steps=9"], subword: subword)
    let back = try HuggingFaceModel.description(settings(configuration), at: "config.json")
    #expect(back.configuration == configuration)
    #expect(back.splittingRule == "whitespace-v1" && back.maxWordBytes == 48 && back.step == 7)
  }

  @Test func aTemplateComesBackAndAnUnknownOneIsRefused() throws {
    let configuration = try configuration([])
    let tuned = WeightsFile.Description(
      configuration: configuration, splittingRule: "whitespace-v1", maxWordBytes: 48, step: 7,
      template: .turns)
    let settings = HuggingFaceModel(configuration).settings(of: tuned, format: .float32)
    #expect(try HuggingFaceModel.description(settings, at: "config.json").template == .turns)
    let plain = self.settings(configuration)
    #expect(plain["hat"]?["template"] == nil)
    #expect(try HuggingFaceModel.description(plain, at: "config.json").template == .plain)
    var changed = try #require(settings.members)
    var own = try #require(changed["hat"]?.members)
    own["template"] = "turns-v9"
    changed["hat"] = .object(own)
    let error = #expect(throws: UserError.self) {
      try HuggingFaceModel.description(.object(changed), at: "config.json")
    }
    #expect(error?.kind == .configuration && error?.description.contains("turns-v9") == true)
  }

  @Test(
    arguments: [
      ("width", 64), ("layers", 5), ("byte_ngrams", 2), ("query_key_norm", true), ("max_word_bytes", 64),
      ("model_type", "llama"), ("architectures", ["LlamaForCausalLM"]), ("rope_theta", 1000),
    ] as [(String, JSONValue)])
  func whatDoesNotAgreeIsRefused(key: String, value: JSONValue) throws {
    let complete = settings(try configuration([]))
    var changed = try #require(complete.members)
    changed[key] = value
    let error = #expect(throws: UserError.self) {
      try HuggingFaceModel.description(.object(changed), at: "config.json")
    }
    #expect(error?.kind == .invalidData && error?.description.contains(key) == true)
  }

  @Test(
    arguments: [
      "hat", ["configuration": "model: { width: 64 }"], ["configuration": 3],
      ["configuration": "model: {", "splitting_rule": "whitespace-v1", "max_word_bytes": 64, "step": 1],
      [
        "configuration": "model: { width: -1 }", "splitting_rule": "whitespace-v1", "max_word_bytes": 64,
        "step": 1,
      ],
      ["configuration": "", "splitting_rule": "whitespace-v1", "max_word_bytes": JSONValue(6.5), "step": 1],
      [
        "configuration": "", "splitting_rule": "whitespace-v1", "max_word_bytes": JSONValue(1e300), "step": 1,
      ], nil,
    ] as [JSONValue])
  func whatIsNotOursIsRefused(own: JSONValue) throws {
    let complete = settings(try configuration([]))
    var changed = try #require(complete.members)
    changed["hat"] = own
    for hostile in [.object(changed), "text", nil, [] as JSONValue] {
      #expect(throws: UserError.self) { try HuggingFaceModel.description(hostile, at: "config.json") }
    }
  }

  @Test func roundedWeightsComeBackRounded() throws {
    let owner = TemporaryFolder()
    let configuration = try configuration(["model.layers=1"], subword: true)
    let (table, model) = (TensorTable(configuration.model), HuggingFaceModel(configuration))
    let parameters = FloatBuffer(zeroed: table.count)
    ParameterInitializer(table, seed: 9).fill(FlatSlice(parameters))
    for (format, bits) in [(FloatFormat.float32, 0), (.bf16, 16)] {
      let path = FilePath(owner.appending("\(format).safetensors"))
      try WeightsFile.export(ModelWeights(table, in: parameters), for: model, as: format, to: path)
      let back = try WeightsFile.load(TensorFiles(file: path), table, named: model.name)
      for (read, written) in zip(back.elements, parameters.elements) {
        // To the nearest, ties to even.
        let pattern = written.bitPattern
        let half: UInt32 = bits == 0 ? 0 : 0x7FFF + (pattern >> 16 & 1)
        let kept = ((pattern + half) >> UInt32(bits)) << UInt32(bits)
        #expect(read.bitPattern == kept)
      }
    }
  }
}

extension JSONValue {
  fileprivate var members: [String: JSONValue]? {
    if case .object(let values) = self { values } else { nil }
  }
}

@Suite struct TensorFilesTests {
  private let owner = TemporaryFolder()
  private var folder: FilePath { FilePath(owner.path) }

  private func write(_ name: String, _ tensors: [String]) throws {
    let data: [Float] = [1, 2]
    try data.withUnsafeBufferPointer { data in
      try SafetensorsFile.write(
        tensors.map { SafetensorsFile.Tensor(name: $0, shape: [2], data: data) }, metadata: [:],
        to: folder.appending(name))
    }
  }

  private func index(_ weightMap: String) throws {
    try owner.write(
      "{\"metadata\": {\"total_size\": 1}, \"weight_map\": \(weightMap)}", to: "model.safetensors.index.json")
  }

  @Test func anIndexNamesTheFiles() throws {
    try write("model-1.safetensors", ["a.b"])
    try write("model-2.safetensors", ["c", "a.d"])
    try index(#"{"a.b": "model-1.safetensors", "c": "model-2.safetensors", "a.d": "model-2.safetensors"}"#)
    let files = try TensorFiles(folder: folder)
    #expect(files.names == ["a.b", "a.d", "c"])
    #expect(files.shape(of: "a.d") == [2] && files.shape(of: "d") == nil)
    var values: [Float] = [0, 0]
    try values.withUnsafeMutableBufferPointer { try files.read("c", into: $0) }
    #expect(values == [1, 2])
  }

  @Test(arguments: [
    #"{"a": "../model-1.safetensors"}"#, #"{"a": "/etc/passwd"}"#, #"{"a": ".."}"#, #"{"a": ""}"#,
    #"{"a": "a\u0000b"}"#,
    #"{"a": "model-2.safetensors"}"#, #"{"a": "model-1.safetensors", "b": "model-1.safetensors"}"#, "{}", "3",
    #"{"a": 3}"#,
    #"{"b": "model-1.safetensors"}"#,
  ])
  func anIndexThatLiesIsRefused(weightMap: String) throws {
    try write("model-1.safetensors", ["a"])
    try index(weightMap)
    #expect(throws: UserError.self) {
      // What is in no index is in no model.
      try WeightsFile.load(TensorFiles(folder: folder), TensorTable(Configuration().model)) { $0 }
    }
  }
}
