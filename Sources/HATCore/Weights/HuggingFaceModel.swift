import HATStorage
import HATText

/// How the library `transformers` knows a model: its class, what config.json says of it, and the names of its tensors
/// (docs/huggingface.md).
public struct HuggingFaceModel: Sendable {
  /// The class that loads it.
  public enum Architecture: String, Sendable {
    case hierarchical = "HATForCausalLM"
    case llama = "LlamaForCausalLM"
    /// Llama with norms of queries and keys.
    case qwen3 = "Qwen3ForCausalLM"
    case llamaWithNgrams = "LlamaWithNgramsForCausalLM"
    case qwen3WithNgrams = "Qwen3WithNgramsForCausalLM"
  }

  public let architecture: Architecture
  private let configuration: Configuration
  private var model: ModelConfiguration { configuration.model }

  public init(_ configuration: Configuration) {
    self.configuration = configuration
    let model = configuration.model
    architecture =
      switch (model.kind, model.queryKeyNorm, model.tokenNgrams > 0) {
      case (.hierarchical, _, _): .hierarchical
      case (.subword, false, false): .llama
      case (.subword, true, false): .qwen3
      case (.subword, false, true): .llamaWithNgrams
      case (.subword, true, true): .qwen3WithNgrams
      }
  }

  /// The file with a class that `transformers` has not; nil where it has all.
  public var module: String? {
    switch architecture {
    case .hierarchical: "modeling_hat"
    case .llama, .qwen3: nil
    case .llamaWithNgrams, .qwen3WithNgrams: "modeling_ngrams"
    }
  }

  /// What a tensor of ours is called there.
  public func name(of tensor: String) -> String {
    guard model.kind == .subword else { return tensor }
    switch tensor {
    case "token_embedding.weight": return "model.embed_tokens.weight"
    case "head.weight": return "lm_head.weight"
    default:
      return
        tensor
        .replacing("backbone.", with: "model.")
        .replacing(".attention.", with: ".self_attn.")
        .replacing(".input_norm.", with: ".input_layernorm.")
        .replacing(".post_attention_norm.", with: ".post_attention_layernorm.")
    }
  }
}

/// config.json.
extension HuggingFaceModel {
  private static let key = "hat"

  /// - Parameter format: of the weights.
  public func settings(of description: WeightsFile.Description, format: FloatFormat) -> JSONValue {
    var settings = sizes
    settings["architectures"] = [JSONValue(architecture.rawValue)]
    settings["dtype"] = JSONValue(format.torchName)
    settings["use_cache"] = true
    switch model.kind {
    case .hierarchical:
      settings["max_word_bytes"] = JSONValue(description.maxWordBytes)
      settings["context_words"] = JSONValue(configuration.data.sequenceWords)
    case .subword:
      for name in ["bos_token_id", "eos_token_id", "pad_token_id"] {
        settings[name] = JSONValue(Int(SubwordVocabulary.documentMark))
      }
      // A sequence has no more tokens than bytes.
      settings["max_position_embeddings"] = JSONValue(configuration.data.sequenceBytes)
    }
    if let module {
      let model = architecture.rawValue
      settings["auto_map"] = [
        "AutoConfig": JSONValue("\(module).\(model.replacing("ForCausalLM", with: "Config"))"),
        "AutoModelForCausalLM": JSONValue("\(module).\(model)"),
      ]
    }
    // Everything there is to know, for `import`.
    var own: [String: JSONValue] = [
      "configuration": JSONValue(description.configuration.yaml()),
      "splitting_rule": JSONValue(description.splittingRule),
      "max_word_bytes": JSONValue(description.maxWordBytes), "step": JSONValue(description.step),
    ]
    own["template"] = description.template.record.map { JSONValue($0) }
    settings[Self.key] = .object(own)
    return .object(settings)
  }

  /// What config.json of a folder says, as `settings` wrote it, also after `transformers` saved the model again.
  /// - Throws: `UserError`: `invalidData` where it is not hat's, or does not agree with itself.
  public static func description(_ settings: JSONValue, at place: String) throws -> WeightsFile.Description {
    func invalid(_ problem: String) -> UserError {
      UserError(
        .invalidData, at: place, problem,
        hint: "Give a folder that `hat-mpirun export --format huggingface` wrote, or that was saved from one."
      )
    }
    guard let own = settings[key] else {
      throw invalid("it has no key \"\(key)\": this is not a model of hat")
    }
    guard let yaml = own["configuration"]?.string, let rule = own["splitting_rule"]?.string,
      let limit = own["max_word_bytes"]?.integer, let step = own["step"]?.integer
    else { throw invalid("its key \"\(key)\" does not have all that an export has") }
    let configuration = try Configuration(yaml: yaml, at: "\(place), configuration")
    try configuration.validate(at: "\(place), configuration")
    let model = HuggingFaceModel(configuration)
    var expected = model.sizes
    expected["architectures"] = [JSONValue(model.architecture.rawValue)]
    if configuration.model.kind == .hierarchical { expected["max_word_bytes"] = JSONValue(limit) }
    // transformers leaves out what it takes for usual.
    for (name, value) in expected.sorted(by: { $0.key < $1.key }) {
      guard let stated = settings[name], !stated.contains(value) else { continue }
      throw invalid("its \"\(name)\" is \(stated.text), and that of its hat.configuration \(value.text)")
    }
    return WeightsFile.Description(
      configuration: configuration, splittingRule: rule, maxWordBytes: limit, step: step,
      template: try ChatTemplate(record: own["template"]?.string, at: place))
  }

  private var sizes: [String: JSONValue] {
    model.kind == .hierarchical ? hierarchicalSizes : llamaSizes
  }

  private var hierarchicalSizes: [String: JSONValue] {
    [
      "model_type": "hat", "vocab_size": 256, "tie_word_embeddings": false,
      "byte_width": JSONValue(model.byteWidth), "byte_head_size": JSONValue(model.byteHeadSize),
      "byte_mlp_hidden": JSONValue(model.encoder.mlpHidden),
      "encoder_layers": JSONValue(model.encoderLayers), "decoder_layers": JSONValue(model.decoderLayers),
      "byte_ngrams": JSONValue(model.byteNgrams),
      "byte_ngram_rows": JSONValue(model.byteNgramRows ?? ModelConfiguration.defaultNgramRows),
      "prefix_ngrams": JSONValue(model.prefixNgrams),
      "prefix_ngram_rows": JSONValue(model.prefixNgramRows ?? ModelConfiguration.defaultPrefixNgramRows),
      "width": JSONValue(model.width), "head_size": JSONValue(model.headSize),
      "layers": JSONValue(model.layers), "kv_heads": JSONValue(model.backbone.keyValueHeads),
      "mlp_hidden": JSONValue(model.backbone.mlpHidden), "rope_theta": JSONValue(model.ropeTheta),
      "query_key_norm": JSONValue(model.queryKeyNorm),
    ]
  }

  private var llamaSizes: [String: JSONValue] {
    let modelType =
      switch architecture {
      case .qwen3: "qwen3"
      case .llamaWithNgrams: "llama_with_ngrams"
      case .qwen3WithNgrams: "qwen3_with_ngrams"
      default: "llama"
      }
    var sizes: [String: JSONValue] = [
      "model_type": JSONValue(modelType), "vocab_size": JSONValue(model.vocabulary),
      "hidden_size": JSONValue(model.width), "intermediate_size": JSONValue(model.backbone.mlpHidden),
      "num_hidden_layers": JSONValue(model.layers), "num_attention_heads": JSONValue(model.heads),
      "num_key_value_heads": JSONValue(model.backbone.keyValueHeads), "head_dim": JSONValue(model.headSize),
      "rms_norm_eps": JSONValue(1e-5), "hidden_act": "silu", "attention_bias": false,
      "tie_word_embeddings": false,
      "rope_parameters": ["rope_type": "default", "rope_theta": JSONValue(model.ropeTheta)],
    ]
    if model.tokenNgrams > 0 {
      sizes["token_ngrams"] = JSONValue(model.tokenNgrams)
      sizes["token_ngram_rows"] = JSONValue(model.tokenNgramRows ?? ModelConfiguration.defaultNgramRows)
    }
    return sizes
  }
}

extension JSONValue {
  /// Whether it is equal, or an object with equal values among others.
  fileprivate func contains(_ other: JSONValue) -> Bool {
    guard case (.object(let own), .object(let wanted)) = (self, other) else { return self == other }
    return wanted.allSatisfy { own[$0.key] == $0.value }
  }
}
