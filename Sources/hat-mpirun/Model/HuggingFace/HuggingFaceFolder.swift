import Foundation
import HAT
import HATCore
import HATStorage
import HATText
import SystemPackage

/// A model as a folder that the library `transformers` loads (docs/huggingface.md): weights, configuration, tokenizer, and the
/// Python of what the library has not.
struct HuggingFaceFolder {
  private let loaded: LoadedModel
  private let run: FilePath
  private let format: FloatFormat
  private let model: HuggingFaceModel

  /// A byte that UTF-8 never uses.
  private static let padding = 0xC0

  init(_ loaded: LoadedModel, run: FilePath, as format: FloatFormat) {
    (self.loaded, self.run, self.format) = (loaded, run, format)
    model = HuggingFaceModel(loaded.configuration)
  }

  /// - Throws: `UserError` of kind `cannotWrite`; there is then no folder.
  func write(to path: FilePath) throws {
    try DurableFolder.write(to: path) { folder in
      try JSONFile.write(
        model.settings(of: loaded.weightsDescription, format: format), to: folder.appending("config.json"))
      try JSONFile.write(generationSettings, to: folder.appending("generation_config.json"))
      try writeTokenizer(to: folder)
      try writeModule(to: folder)
      let card = ModelCard(loaded, model, evaluation: Evaluation(ofStep: loaded.manifest.step, in: run))
      try DurableFile.write(
        Array(card.text(name: path.lastComponent?.string ?? "hat").utf8), to: folder.appending("README.md"))
      try WeightsFile.export(
        loaded.weights, for: model, as: format, to: folder.appending("model.safetensors"))
    }
  }

  /// What the command `generate` does where it is told nothing.
  private var generationSettings: JSONValue {
    let mark = JSONValue(
      loaded.tokenizer == nil ? Int(SpecialByte.document) : Int(SubwordVocabulary.documentMark))
    let padding = loaded.tokenizer == nil ? JSONValue(Self.padding) : mark
    let end: JSONValue = loaded.template == .turns ? [mark, JSONValue(Int(SpecialByte.turnEnd))] : mark
    return [
      "bos_token_id": mark, "eos_token_id": end, "pad_token_id": padding, "do_sample": true,
      "temperature": JSONValue(0.8), "top_p": JSONValue(0.95), "top_k": 0, "max_new_tokens": 400,
    ]
  }

  private func writeTokenizer(to folder: FilePath) throws {
    var settings: [String: JSONValue]
    let hasTurns = loaded.template == .turns
    if let tokenizer = loaded.tokenizer {
      let content = try tokenizer.contentForTransformers(withDialogueMarks: hasTurns)
      try DurableFile.write(content, to: folder.appending("tokenizer.json"))
      let mark = JSONValue(SubwordVocabulary.documentMarkName)
      settings = [
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": mark, "eos_token": mark, "pad_token": mark,
        "padding_side": "left", "clean_up_tokenization_spaces": false,
        "model_input_names": ["input_ids", "attention_mask"],
      ]
      if hasTurns {
        let marks = SpecialByte.system...SpecialByte.turnEnd
        settings["additional_special_tokens"] = .array(
          marks.map { JSONValue(SpecialByte.name(ofDialogueMark: $0)) })
      }
    } else {
      settings = [
        "tokenizer_class": "HATTokenizer",
        "auto_map": ["AutoTokenizer": ["tokenization_hat.HATTokenizer", nil]],
        "splitting_rule": JSONValue(loaded.manifest.splittingRule),
        "max_word_bytes": JSONValue(loaded.manifest.maxWordBytes),
      ]
      try DurableFile.write(PackageResources.tokenization_hat_py, to: folder.appending("tokenization_hat.py"))
      if loaded.splitter.rule == .unicode {
        try JSONFile.write(UnicodeWordTables(), to: folder.appending("unicode_words.json"))
      }
    }
    if hasTurns { settings["chat_template"] = JSONValue(ChatTemplate.jinja) }
    try JSONFile.write(JSONValue.object(settings), to: folder.appending("tokenizer_config.json"))
  }

  private func writeModule(to folder: FilePath) throws {
    guard let module = model.module else { return }
    let source =
      switch module {
      case "modeling_hat": PackageResources.modeling_hat_py
      case "modeling_ngrams": PackageResources.modeling_ngrams_py
      default: preconditionFailure("\(module) is no module of ours")
      }
    try DurableFile.write(source, to: folder.appending("\(module).py"))
  }
}

/// What a run measured on held-out text after a step.
struct Evaluation: Decodable {
  var step: Int
  var bitsPerByte: Double

  /// Nil where the run has not measured anything after this step.
  init?(ofStep step: Int, in run: FilePath) {
    let path = run.appending("evaluations.jsonl")
    guard let file = try? FileReader(opening: path), file.length < 1 << 28,
      let bytes = try? file.read(at: 0, count: file.length)
    else { return nil }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let found = bytes.split(separator: UInt8(ascii: "\n")).lazy
      .compactMap { try? decoder.decode(Evaluation.self, from: Data($0)) }
      .last { $0.step == step }
    guard let found else { return nil }
    self = found
  }
}
