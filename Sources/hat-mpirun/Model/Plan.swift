import ArgumentParser
import HATCore
import HATDistributed
import HATStorage
import HATTerminal
import HATText
import SystemPackage

struct Plan: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what a configuration costs before it is trained, or choose one for a number of hours.",
    discussion: """
      Shows parameters, FLOPs, memory and speed. With --hours it chooses the configuration itself, for --data and the \
      speed of this machine, and says how many bits per byte are to be expected of it; train --hours does the same \
      and trains.

      With --memory-per-node, ends with exit code 78 if the memory does not suffice, and suggests what would fit.

      --match finds the depth and width of the subword model with the same training cost per byte of the corpus, and \
      shows both side by side.
      """)

  @OptionGroup
  var settings: ConfigurationOptions

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "With --hours: corpora as for train. With --match: one, of which the first \(MatchOptions.sampleBytes >> 20) "
        + "MiB in training order are measured.", valueName: "DIR[:weight]"))
  var data: [WeightedFolder] = []

  @Option(help: "Ranks, on all nodes together.")
  var ranks = 1

  @Option(help: "Nodes; the ranks are spread over them evenly.")
  var nodes = 1

  @Option(
    help: ArgumentHelp(
      "Memory of one node, such as 24GiB (default: no limit).", valueName: ByteSize.valueName))
  var memoryPerNode: ByteSize?

  @OptionGroup
  var text: TextOptions

  @Option(help: "The longest word, as given to preprocess.")
  var maxWordBytes = WordSplitter.defaultWordLimit

  @Option(
    help: ArgumentHelp(
      "With --hours or --match: write the complete configuration found to this file.", valueName: "FILE.yaml")
  )
  var write: String?

  @Flag(help: "Print only the complete configuration, with a comment on every key.")
  var printConfig = false

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup
  var matching: MatchOptions

  func validate() throws {
    try OptionLimits.ranks.check("--ranks", ranks)
    try OptionLimits.ranks.check("--nodes", nodes)
    try OptionLimits(WordSplitter.wordLimits).check("--max-word-bytes", maxWordBytes)
    guard ranks % nodes == 0 else { throw ValidationError("--ranks must be a multiple of --nodes.") }
    let hasHours = settings.hours != nil
    guard !hasHours || !matching.match else {
      throw ValidationError("--match needs --config: write one with --hours and --write, then match it.")
    }
    guard (hasHours || matching.match) == !data.isEmpty, !matching.match || data.count == 1 else {
      throw ValidationError("--hours needs --data, --match one corpus, and nothing else takes any.")
    }
    for corpus in data { try corpus.validate() }
    guard hasHours || matching.match || write == nil else {
      throw ValidationError("--write needs --hours or --match.")
    }
    guard !printConfig || (!json && (hasHours || memoryPerNode == nil)) else {
      throw ValidationError(
        "--print-config prints the configuration only: leave out --json and, without --hours, --memory-per-node."
      )
    }
    guard data.isEmpty || text.isUntouched else {
      throw ValidationError("--data is measured: leave out --bytes-per-word and --bytes-per-token.")
    }
    guard !hasHours || maxWordBytes == WordSplitter.defaultWordLimit else {
      throw ValidationError("--data says what its longest word is: leave out --max-word-bytes.")
    }
  }

  func run() throws {
    if let write { try DurableFile.requireFile(at: FilePath(write)) }
    if let hours = settings.hours { return try choose(hours: hours) }
    let configuration = try Configuration.load(from: FilePath(settings.file!), overrides: settings.overrides)
    if matching.match { return try matching.run(configuration, self) }
    if printConfig { return print(configuration.yaml(), terminator: "") }
    let text = text.assumed
    let result = try PlanResult(
      configuration, self, forwardFlopsPerByte: text.forwardPerByte(configuration),
      bytesPerWord: text.bytesPerWord, bytesPerToken: text.bytesPerToken, core: CoreRate(for: configuration))
    try json ? JSONOutput.print(result) : result.show()
    try requireFit(result, of: settings.file!)
  }

  /// - Throws: `UserError` of kind `configuration` if the memory of a node does not suffice.
  func requireFit(_ result: PlanResult, of model: String) throws {
    guard let memory = memoryPerNode?.bytes else { return }
    let ranksPerNode = ranks / nodes
    let needed = Double(result.memory(ofStage: result.zeroStage).total) * Double(ranksPerNode)
    guard needed > Double(memory) else { return }
    throw UserError(
      .configuration, at: model,
      "\(ranksPerNode) ranks per node need \(Amount.memory(needed)) of memory at ZeRO stage \(result.zeroStage), "
        + "but a node has \(Amount.memory(memory))",
      hint: result.alternative(memoryPerNode: memory, ranksPerNode: ranksPerNode))
  }
}

/// Assumptions about the text.
struct TextOptions: ParsableArguments {
  @Option(help: "Average bytes per word of the text; `inspect corpus` measures it.")
  var bytesPerWord = AssumedText.english.bytesPerWord

  @Option(help: "Average bytes per token, for a subword model; `tokenizer learn` measures it.")
  var bytesPerToken = AssumedText.english.bytesPerToken

  func validate() throws {
    let limits = OptionLimits(1...Double(WordSplitter.wordLimits.upperBound))
    try limits.check("--bytes-per-word", bytesPerWord)
    try limits.check("--bytes-per-token", bytesPerToken)
  }

  var assumed: AssumedText { AssumedText(bytesPerWord: bytesPerWord, bytesPerToken: bytesPerToken) }
  var isUntouched: Bool { assumed == .english }
}
