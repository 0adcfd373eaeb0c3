import HATStorage

/// One key of the configuration file: its name, its meaning, and how it reaches its field.
package struct Setting: Sendable {
  let section: String
  package let key: String
  package let comment: String
  /// The only kind of model it concerns; nil for both.
  package let kind: ModelKind?
  let text: @Sendable (Configuration) -> String
  let assign: @Sendable (inout Configuration, String) -> Bool
  let expectation: String

  var path: String { "\(section).\(key)" }

  init<Value: SettingValue>(
    _ section: String, _ key: String, _ field: any WritableKeyPath<Configuration, Value> & Sendable,
    _ comment: String, of kind: ModelKind? = nil
  ) {
    (self.section, self.key, self.comment, self.kind) = (section, key, comment, kind)
    expectation = Value.expectation
    text = { $0[keyPath: field].settingText }
    assign = { configuration, text in
      guard let value = Value(settingText: text) else { return false }
      configuration[keyPath: field] = value
      return true
    }
  }
}

extension Setting {
  /// Every key there is, in the order of the file.
  package static let all: [Setting] = [
    Setting("model", "kind", \.model.kind, "hierarchical (words, spelt in bytes), or subword (the baseline)"),
    Setting(
      "model", "vocabulary", \.model.vocabulary,
      "tokens: the 256 bytes, the document mark, and what merges make", of: .subword),
    Setting(
      "model", "token_ngrams", \.model.tokenNgrams,
      "longest n-gram of tokens looked up, 2 to 8; 0: none", of: .subword),
    Setting(
      "model", "token_ngram_rows", \.model.tokenNgramRows,
      "rows of each table of token n-grams; auto is \(ModelConfiguration.defaultNgramRows)", of: .subword),
    Setting("model", "byte_width", \.model.byteWidth, "width d of encoder and decoder", of: .hierarchical),
    Setting(
      "model", "byte_head_size", \.model.byteHeadSize,
      "width of one head of encoder and decoder: even, and a divisor of byte_width", of: .hierarchical),
    Setting(
      "model", "byte_mlp_hidden", \.model.byteMLPHidden,
      "SwiGLU width of encoder and decoder; auto is 8/3 of byte_width, up to the next multiple of 32",
      of: .hierarchical),
    Setting(
      "model", "encoder_layers", \.model.encoderLayers, "blocks of the encoder (word bytes to one vector)",
      of: .hierarchical),
    Setting(
      "model", "decoder_layers", \.model.decoderLayers, "blocks of the decoder (spells the next word)",
      of: .hierarchical),
    Setting(
      "model", "byte_ngrams", \.model.byteNgrams,
      "longest n-gram of a word's bytes looked up by encoder and decoder, 2 to 8; 0: none", of: .hierarchical),
    Setting(
      "model", "byte_ngram_rows", \.model.byteNgramRows,
      "rows of each table of byte n-grams; auto is \(ModelConfiguration.defaultNgramRows)", of: .hierarchical),
    Setting(
      "model", "prefix_ngrams", \.model.prefixNgrams,
      "tables of the word so far in the decoder; 1: alone, 2: also with the word before it; 0: none",
      of: .hierarchical),
    Setting(
      "model", "prefix_ngram_rows", \.model.prefixNgramRows,
      "rows of each of them; auto is \(ModelConfiguration.defaultPrefixNgramRows)", of: .hierarchical),
    Setting("model", "width", \.model.width, "width D of the backbone"),
    Setting(
      "model", "head_size", \.model.headSize, "width of one backbone head: even, and a divisor of width"),
    Setting("model", "layers", \.model.layers, "blocks of the backbone"),
    Setting(
      "model", "kv_heads", \.model.keyValueHeads,
      "key/value heads of the backbone, a divisor of width / head_size; auto is all of them"),
    Setting(
      "model", "mlp_hidden", \.model.mlpHidden,
      "SwiGLU width of the backbone; auto is 8/3 of width, up to the next multiple of 32"),
    Setting("model", "rope_theta", \.model.ropeTheta, "base of the rotary positions"),
    Setting(
      "model", "query_key_norm", \.model.queryKeyNorm,
      "whether each head's queries and keys are normalised, with learned gains"),
    Setting(
      "model", "initial_deviation", \.model.initialDeviation,
      "standard deviation of the first values of matrices and head"),
    Setting("model", "embedding_deviation", \.model.embeddingDeviation, "that of embeddings"),

    Setting("data", "sequence_words", \.data.sequenceWords, "words of a sequence, at most"),
    Setting("data", "sequence_bytes", \.data.sequenceBytes, "bytes of a sequence, at most"),
    Setting("data", "seed", \.data.seed, "seed of the document order and of the first parameters"),

    Setting("training", "steps", \.training.steps, "optimiser steps of the whole run"),
    Setting(
      "training", "sequences_per_step", \.training.sequencesPerStep,
      "sequences of a step, all ranks together: a multiple of micro_batches"),
    Setting(
      "training", "micro_batches", \.training.microBatches,
      "parts a step is computed in, all ranks together: a multiple of the rank count"),
    Setting(
      "training", "peak_learning_rate", \.training.peakLearningRate,
      "reached after warm-up; auto is 3e-4 x 32 / backbone heads, with muon 6e-3, above width 256 x sqrt(256 / width)"
    ),
    Setting("training", "warmup_steps", \.training.warmupSteps, "steps of linear warm-up"),
    Setting(
      "training", "minimum_learning_rate", \.training.minimumLearningRate,
      "where the cosine ends, as a fraction of the peak"),
    Setting(
      "training", "optimizer", \.training.optimizer,
      "muon: hidden matrices by orthogonalised momentum, all else by AdamW; or adamw for all"),
    Setting(
      "training", "beta1", \.training.beta1, "how much of AdamW's first moment stays from step to step"),
    Setting("training", "beta2", \.training.beta2, "how much of its second moment stays"),
    Setting("training", "epsilon", \.training.epsilon, "what AdamW adds to the root of the second moment"),
    Setting(
      "training", "muon_momentum", \.training.muonMomentum,
      "how much of Muon's momentum stays from step to step"),
    Setting(
      "training", "orthogonalization", \.training.orthogonalization,
      "how Muon orthogonalises; polar_express takes three steps, which are the best together"),
    Setting(
      "training", "newton_schulz_steps", \.training.newtonSchulzSteps,
      "steps of newton_schulz: more cost time, fewer are less exact"),
    Setting(
      "training", "hidden_matrix_rate", \.training.rates.hiddenMatrices,
      "factor on the learning rate of hidden matrices"),
    Setting(
      "training", "embedding_rate", \.training.rates.embeddings,
      "factor on that of embeddings"),
    Setting(
      "training", "ngram_rate", \.training.rates.ngramTables, "factor on that of n-gram tables"),
    Setting("training", "head_rate", \.training.rates.head, "factor on that of the head"),
    Setting("training", "gain_rate", \.training.rates.gains, "factor on that of the norms' gains"),
    Setting(
      "training", "byte_module_rate", \.training.rates.byteModules,
      "another factor, on that of every tensor of encoder and decoder", of: .hierarchical),
    Setting(
      "training", "weight_decay", \.training.weightDecay, "decay, on matrices only; n-gram tables have none"),
    Setting("training", "clip", \.training.clip, "largest norm of the whole gradient let through"),
    Setting(
      "training", "preference_beta", \.training.preferenceBeta,
      "of preference pairs: larger values keep the model closer to the one that tuning began with"),
    Setting(
      "training", "zero_stage", \.training.zeroStage,
      "what ranks keep only slices of: 0 nothing, 1 optimiser state, 2 also gradients, 3 also parameters"),
    Setting(
      "training", "precision", \.training.precision,
      "of the factors of matrix products: float32, or bf16, faster where processors have instructions for it"),
    Setting(
      "training", "products", \.training.products,
      "fma, on every processor; amx: matrix tiles; avx512_bf16, for bf16: where every rank has them; auto measures "
        + "which is fastest"),
    Setting(
      "training", "recompute", \.training.recompute,
      "none, or blocks: all backbone blocks but the last run forward twice and keep less; same result"),
    Setting(
      "training", "gradient_exchange", \.training.gradientExchange,
      "how gradients travel between nodes: float32, or bf16 for half the bytes"),

    Setting(
      "output", "checkpoint_every", \.output.checkpointEvery, "steps between checkpoints; 0: only at the end"),
    Setting("output", "keep", \.output.keep, "newest checkpoints kept"),
    Setting(
      "output", "evaluate_every", \.output.evaluateEvery,
      "steps between evaluations on held-out text; 0: never"),
    Setting(
      "output", "sample_every", \.output.sampleEvery, "steps between samples of text, to watch; 0: never"),
    Setting("output", "sample_prompt", \.output.samplePrompt, "what samples begin with"),
    Setting("output", "sample_bytes", \.output.sampleBytes, "bytes of a sample behind the prompt, at most"),
    Setting(
      "output", "tensorboard", \.output.tensorBoard,
      "whether event files for TensorBoard are written into the run"),
    Setting(
      "output", "prometheus", \.output.prometheus,
      "a file ending in .prom for Prometheus' node_exporter, replaced every five seconds; empty: none"),
  ]

  /// Whether it concerns models of that kind.
  package func concerns(_ kind: ModelKind) -> Bool { self.kind == nil || self.kind == kind }

  /// The sections, in the order of the file.
  static let sections = ["model", "data", "training", "output"]

  /// - Throws: `UserError` of kind `configuration` when it does not apply to models of that kind.
  func requireConcern(with kind: ModelKind, at place: String) throws {
    guard !concerns(kind) else { return }
    throw UserError(
      .configuration, at: place, "\(path) does not apply to a model of kind \(kind.rawValue)",
      hint: "Leave it out: it belongs to models of kind \(self.kind!.rawValue).")
  }

  /// - Throws: `UserError` of kind `configuration` that suggests the nearest key.
  static func named(_ path: String, at place: String) throws -> Setting {
    if let setting = all.first(where: { $0.path == path }) { return setting }
    let nearest = Spelling.nearest(to: path, among: all.map(\.path))
    throw UserError(
      .configuration, at: place, "there is no setting \(path)",
      hint: "Did you mean \(nearest)? docs/cli.md lists every setting.")
  }
}

/// A type of a setting: how a value is written, and what to say about a wrong one.
protocol SettingValue: Sendable {
  init?(settingText: String)
  var settingText: String { get }
  static var expectation: String { get }
}

extension SettingValue where Self: RawRepresentable<String> & CaseIterable {
  init?(settingText: String) { self.init(rawValue: settingText) }
  var settingText: String { rawValue }
  static var expectation: String { allCases.map(\.rawValue).joined(separator: " or ") }
}

extension Int: SettingValue {
  init?(settingText: String) { self.init(settingText.filter { $0 != "_" }) }
  var settingText: String { String(self) }
  static var expectation: String { "a whole number" }
}

extension Bool: SettingValue {
  init?(settingText: String) { self.init(settingText) }
  var settingText: String { String(self) }
  static var expectation: String { "true or false" }
}

extension UInt64: SettingValue {
  init?(settingText: String) { self.init(settingText.filter { $0 != "_" }) }
  var settingText: String { String(self) }
  static var expectation: String { "a whole number from 0" }
}

extension String: SettingValue {
  init?(settingText: String) { self = settingText }
  /// Quoted as YAML, and JSON, read it.
  var settingText: String {
    let escaped = unicodeScalars.map { scalar -> String in
      switch scalar {
      case "\"": "\\\""
      case "\\": "\\\\"
      case "\n": "\\n"
      case "\t": "\\t"
      // What YAML does not take as it is.
      case "\0"..<" ", "\u{7F}"..."\u{9F}", "\u{2028}"..."\u{2029}", "\u{FFFE}"..."\u{FFFF}":
        "\\u" + String(String(0x1_0000 + scalar.value, radix: 16).dropFirst())
      default: String(scalar)
      }
    }
    return "\"\(escaped.joined())\""
  }
  static var expectation: String { "a text" }
}

/// Models compute in float32: a number outside its range would become infinite, or 0.
extension Double: SettingValue {
  init?(settingText: String) {
    guard let value = Double(settingText), Float(value).isFinite, value == 0 || Float(value) != 0 else {
      return nil
    }
    self = value
  }
  var settingText: String { self == rounded() && abs(self) < 1e15 ? String(Int(self)) : String(self) }
  static var expectation: String { "a number that float32 has room for" }
}

extension Optional: SettingValue where Wrapped: SettingValue {
  init?(settingText: String) {
    if settingText == "auto" {
      self = .none
    } else if let value = Wrapped(settingText: settingText) {
      self = value
    } else {
      return nil
    }
  }
  var settingText: String { map(\.settingText) ?? "auto" }
  static var expectation: String { "\(Wrapped.expectation) or auto" }
}
