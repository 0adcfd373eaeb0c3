import ArgumentParser
import HATCore
import HATKernels
import HATStorage
import HATTerminal
import HATText
import SystemPackage

struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a run from a safetensors file, to evaluate it or generate text.",
    discussion:
      "The file has the tensor names of `export`. It has no optimiser state, which starts at zero.")

  @Option(help: ArgumentHelp("The safetensors file.", valueName: "FILE"))
  var weights: String

  @Option(
    name: .customLong("config"), help: ArgumentHelp("The configuration of its model.", valueName: "FILE"))
  var configurationFile: String

  @Option(help: ArgumentHelp("The folder of the new run; must not hold one already.", valueName: "RUN"))
  var output: String

  @Option(help: "The splitting rule, if the file does not state it.")
  var split: String?

  @Option(help: "The longest word in training, if the file does not state it.")
  var maxWordBytes: Int?

  @Option(
    help: ArgumentHelp("For a model of kind subword: the tokenizer.json of its run.", valueName: "FILE"))
  var tokenizer: String?

  func validate() throws {
    try OptionLimits(WordSplitter.wordLimits).check("--max-word-bytes", maxWordBytes)
  }

  func run() throws {
    let configuration = try Configuration.load(from: FilePath(configurationFile))
    let tokenizer = try tokenizer(for: configuration.model)
    let store = CheckpointStore(run: FilePath(output))
    guard try store.list().isEmpty else {
      throw UserError(
        .cannotWrite, at: output, "the folder already holds a run", hint: "Choose another --output.")
    }
    let table = TensorTable(configuration.model)
    let parameters = StateBuffer(.parameters(table), try WeightsFile.load(FilePath(weights), table))
    let splitter = try splitter()
    let state = StateSection.all(of: configuration.training.optimizerRule, table).map {
      StateBuffer($0, FloatBuffer(reserving: $0.count))
    }
    let buffers = [parameters] + state
    try store.begin(step: 0)
    try tokenizer?.write(to: TokenizerFile.path(inRun: FilePath(output)))
    let slice = try store.writeSlice(
      step: 0, index: 0, ranges: [0..<table.count], sections: buffers.map(\.section)
    ) { section, _ in UnsafeBufferPointer(buffers[section].floats.elements) }
    try store.commit(
      CheckpointManifest(
        step: 0, configuration: configuration, splittingRule: splitter.rule.versionedName,
        maxWordBytes: splitter.maximumWordBytes, dataFingerprint: "", cursor: "",
        tokenizerChecksum: tokenizer?.checksum, sections: buffers.map(\.section), slices: [slice]),
      keep: 1)
    print("\(output): \(Amount.large(Double(table.count))) parameters as the checkpoint of step 0")
  }

  private func tokenizer(for model: ModelConfiguration) throws -> TokenizerFile? {
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

  /// What the file states; where it states nothing, what the user does.
  private func splitter() throws -> WordSplitter {
    let metadata = try SafetensorsReader(opening: FilePath(weights)).metadata
    let rule = try agreed(
      metadata["splitting_rule"].map { try SplittingRule(versionedName: $0) },
      split.map { try SplittingRule(parsing: $0) }, option: "--split", describe: \.name)
    guard let rule else {
      throw UserError(
        .wrongUsage, at: weights, "the file does not state a splitting rule",
        hint: "Add --split whitespace (or the rule it was trained with).")
    }
    let limit = try agreed(
      metadata["max_word_bytes"].map(wordLimit), maxWordBytes, option: "--max-word-bytes",
      describe: \.description)
    return try WordSplitter(rule, maximumWordBytes: limit ?? WordSplitter.defaultWordLimit)
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
