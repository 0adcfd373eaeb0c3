import ArgumentParser
import HATCore
import HATDistributed
import HATKernels
import HATStorage
import HATTerminal
import HATText
import SystemPackage

struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a run from exported weights, to evaluate it or generate text.",
    discussion: """
      The weights are a safetensors file with the tensor names of `export`, or a folder of `export --format huggingface`, \
      also one that transformers has saved again. They have no optimiser state, which starts at zero.
      """)

  @Option(help: ArgumentHelp("The safetensors file, or the folder.", valueName: "PATH"))
  var weights: String

  @Option(
    name: .customLong("config"),
    help: ArgumentHelp("The configuration of its model, for a file; a folder has its own.", valueName: "FILE")
  )
  var configurationFile: String?

  @Option(help: ArgumentHelp("The folder of the new run; must not hold one already.", valueName: "RUN"))
  var output: String

  @Option(help: "The splitting rule, if the file does not state it.")
  var split: String?

  @Option(help: "The longest word in training, if the file does not state it.")
  var maxWordBytes: Int?

  @Option(
    help: ArgumentHelp(
      "For a file of a model of kind subword: the tokenizer.json of its run.", valueName: "FILE"))
  var tokenizer: String?

  func validate() throws {
    try OptionLimits(WordSplitter.wordLimits).check("--max-word-bytes", maxWordBytes)
  }

  func run() throws {
    let store = CheckpointStore(run: FilePath(output))
    // A run has begun as soon as its configuration is there.
    guard try store.list().isEmpty, !DurableFile.exists(RunFolder.configurationFile(FilePath(output))) else {
      throw UserError(
        .cannotWrite, at: output, "the folder already holds a run", hint: "Choose another --output.")
    }
    let model = try DurableFile.isFolder(FilePath(weights)) ? fromFolder() : fromFile()
    let configuration = model.configuration
    try model.splitter.requireRoom(inSequenceOf: configuration.data.sequenceBytes)
    let table = TensorTable(configuration.model)
    let state = StateSection.all(of: configuration.training.optimizerRule, table).map {
      StateBuffer($0, FloatBuffer(reserving: $0.count))
    }
    let buffers = [StateBuffer(.parameters(table), model.parameters)] + state
    try store.begin(step: 0)
    try model.tokenizer?.write(to: TokenizerFile.path(inRun: FilePath(output)))
    let slice = try store.writeSlice(
      step: 0, index: 0, ranges: [0..<table.count], sections: buffers.map(\.section)
    ) { section, _ in UnsafeBufferPointer(buffers[section].floats.elements) }
    try store.commit(
      CheckpointManifest(
        step: 0, configuration: configuration, splittingRule: model.splitter.rule.versionedName,
        maxWordBytes: model.splitter.maximumWordBytes, dataFingerprint: "", cursor: "",
        tokenizerChecksum: model.tokenizer?.checksum, template: model.template,
        sections: buffers.map(\.section), slices: [slice]),
      keep: 1)
    print("\(output): \(Amount.large(Double(table.count))) parameters as the checkpoint of step 0")
  }

  /// What was read.
  private struct Model {
    let configuration: Configuration
    let parameters: FloatBuffer
    let splitter: WordSplitter
    let tokenizer: TokenizerFile?
    let template: ChatTemplate
  }

  private func fromFile() throws -> Model {
    guard let configurationFile else {
      throw UserError(
        .wrongUsage, at: weights, "the configuration of its model is not named",
        hint: "Add --config FILE, such as the config.yaml of its run.")
    }
    let configuration = try Configuration.load(from: FilePath(configurationFile))
    let tokenizer = try tokenizer(for: configuration.model, configurationFile)
    let parameters = try WeightsFile.load(FilePath(weights), of: configuration)
    let metadata = try SafetensorsReader(opening: FilePath(weights)).metadata
    return Model(
      configuration: configuration, parameters: parameters,
      splitter: try splitter(rule: metadata["splitting_rule"], limit: metadata["max_word_bytes"]),
      tokenizer: tokenizer, template: try ChatTemplate(record: metadata["template"], at: weights))
  }

  private func fromFolder() throws -> Model {
    let folder = FilePath(weights)
    let place = folder.appending("config.json")
    guard DurableFile.exists(place) else {
      throw UserError(
        .missingInput, at: weights, "the folder has no config.json, so it is no exported model",
        hint: "Give a safetensors file, or a folder of `export --format huggingface`.")
    }
    for (option, value) in [("--config", configurationFile), ("--tokenizer", tokenizer)] where value != nil {
      throw UserError(
        .wrongUsage, at: weights, "a folder has a configuration and a tokenizer of its own",
        hint: "Leave \(option) out.")
    }
    guard try FileReader(opening: place).length <= 1 << 20 else {
      throw UserError(
        .invalidData, at: place.string, "it is too large for a configuration", hint: "Export the model again."
      )
    }
    let settings = try JSONFile.read(JSONValue.self, from: place, hint: "Export the model again.")
    let description = try HuggingFaceModel.description(settings, at: place.string)
    let (configuration, model) = (description.configuration, HuggingFaceModel(description.configuration))
    let splitter = try splitter(
      rule: description.splittingRule, limit: String(description.maxWordBytes))
    let tokenizer: TokenizerFile? =
      switch configuration.model.kind {
      case .hierarchical: nil
      case .subword:
        // As hat writes it: without what transformers needs besides.
        TokenizerFile(
          try TokenizerFile(
            reading: folder.appending("tokenizer.json"), tokens: configuration.model.vocabulary
          ).vocabulary)
      }
    let parameters = try WeightsFile.load(
      TensorFiles(folder: folder), TensorTable(configuration.model), named: model.name)
    return Model(
      configuration: configuration, parameters: parameters, splitter: splitter, tokenizer: tokenizer,
      template: description.template)
  }

  private func tokenizer(for model: ModelConfiguration, _ configurationFile: String) throws -> TokenizerFile?
  {
    guard (model.kind == .subword) == (tokenizer != nil) else {
      throw UserError(
        .wrongUsage, at: configurationFile,
        tokenizer == nil
          ? "a model of kind subword needs its tokenizer"
          : "a model of kind \(model.kind.rawValue) has no tokens",
        hint: tokenizer == nil ? "Add --tokenizer RUN/tokenizer.json." : "Leave --tokenizer out.")
    }
    return try tokenizer.map { try TokenizerFile(reading: FilePath($0), tokens: model.vocabulary) }
  }

  /// What the weights state; where they state nothing, what the user does.
  private func splitter(rule: String?, limit: String?) throws -> WordSplitter {
    let rule = try agreed(
      rule.map { try SplittingRule(versionedName: $0) }, split.map { try SplittingRule(parsing: $0) },
      option: "--split", describe: \.name)
    guard let rule else {
      throw UserError(
        .wrongUsage, at: weights, "the file does not state a splitting rule",
        hint: "Add --split whitespace (or the rule it was trained with).")
    }
    let limit = try agreed(
      limit.map(wordLimit), maxWordBytes, option: "--max-word-bytes", describe: \.description)
    guard let limit else {
      throw UserError(
        .wrongUsage, at: weights, "the file does not state the longest word",
        hint: "Add --max-word-bytes \(WordSplitter.defaultWordLimit) (or the limit it was trained with).")
    }
    return try WordSplitter(rule, maximumWordBytes: limit)
  }

  private func wordLimit(_ stated: String) throws -> Int {
    guard let limit = Int(stated), WordSplitter.wordLimits.contains(limit) else {
      throw UserError(
        .invalidData, at: weights, "its max_word_bytes is \"\(stated)\"", hint: "Export the weights again.")
    }
    return limit
  }

  private func agreed<Value: Equatable>(
    _ stated: Value?, _ wanted: Value?, option: String, describe: (Value) -> String
  ) throws -> Value? {
    if let stated, let wanted, stated != wanted {
      throw UserError(
        .wrongUsage, at: "\(option) \(describe(wanted))",
        "the weights in \(weights) were trained with \(describe(stated))", hint: "Leave \(option) out.")
    }
    return stated ?? wanted
  }
}
