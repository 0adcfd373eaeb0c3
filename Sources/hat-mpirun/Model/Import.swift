import ArgumentParser
import HATCore
import HATKernels
import HATStorage
import HATText
import SystemPackage

struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a run of a safetensors file, to evaluate it or write text with it.",
    discussion:
      "The file has the names `export` gives. The optimiser's moments are not in it and start at zero.")

  @Option(help: ArgumentHelp("The safetensors file.", valueName: "FILE"))
  var weights: String

  @Option(
    name: .customLong("config"), help: ArgumentHelp("The configuration of its model.", valueName: "FILE"))
  var configurationFile: String

  @Option(help: ArgumentHelp("The folder of the new run; must not hold one.", valueName: "RUN"))
  var output: String

  @Option(help: "How its text is cut into words, where the file does not say.")
  var split: String?

  @Option(help: "The longest word it was trained with, where the file does not say.")
  var maxWordBytes: Int?

  @Option(help: ArgumentHelp("Of a model of kind subword: its run's tokenizer.json.", valueName: "FILE"))
  var tokenizer: String?

  func run() throws {
    let configuration = try Configuration.load(from: FilePath(configurationFile))
    let tokenizer = try tokenizer(for: configuration.model)
    let store = CheckpointStore(run: FilePath(output))
    guard try store.list().isEmpty else {
      throw UserError(
        .cannotWrite, at: output, "the folder already holds a run", hint: "Choose another --output.")
    }
    let layout = ParameterLayout(configuration.model)
    let parameters = FloatBuffer(zeroed: layout.count)
    try ModelWeights.load(FilePath(weights), layout: layout, into: parameters.base)
    let splitter = try splitter()
    let moments = FloatBuffer(zeroed: layout.count)
    try store.begin(step: 0)
    try tokenizer?.write(to: TokenizerFile.path(inRun: FilePath(output)))
    let slice = try store.writeSlice(
      step: 0, index: 0, range: 0..<layout.count, parameters: parameters.base, firstMoments: moments.base,
      secondMoments: moments.base)
    try store.commit(
      CheckpointManifest(
        step: 0, configuration: configuration, splittingRule: splitter.rule.versionedName,
        maxWordBytes: splitter.maximumWordBytes, dataFingerprint: "", cursor: "",
        tokenizerChecksum: tokenizer?.checksum, tensors: layout.tensors, slices: [slice]),
      keep: 1)
    print("\(output): \(Amount.large(Double(layout.count))) parameters as the checkpoint of step 0")
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

  /// The file's own rule, unless the user says otherwise.
  private func splitter() throws -> WordSplitter {
    let metadata = try SafetensorsReader(opening: FilePath(weights)).metadata
    let limit = maxWordBytes ?? metadata["max_word_bytes"].flatMap(Int.init) ?? WordSplitter.defaultWordLimit
    if let split { return try WordSplitter(SplittingRule(parsing: split), maximumWordBytes: limit) }
    guard let name = metadata["splitting_rule"] else {
      throw UserError(
        .wrongUsage, at: weights, "the file does not say how its text is cut into words",
        hint: "Add --split whitespace (or the rule it was trained with).")
    }
    return try WordSplitter(SplittingRule(versionedName: name), maximumWordBytes: limit)
  }
}
