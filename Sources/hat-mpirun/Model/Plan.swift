import ArgumentParser
import HATCore
import HATDistributed
import HATStorage
import HATTerminal
import HATText
import SystemPackage

struct Plan: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what a configuration costs before it is trained: parameters, FLOPs, memory, speed.",
    discussion: """
      With --memory-per-node, ends with exit code 78 if the memory does not suffice, and suggests what would fit.

      --match finds the depth and width of the subword model with the same training cost per byte of the corpus, and \
      shows both side by side.
      """)

  @Option(name: .customLong("config"), help: ArgumentHelp("The configuration.", valueName: "FILE"))
  var configurationFile: String

  @Option(help: "Ranks, on all nodes together.")
  var ranks = 1

  @Option(help: "Nodes; the ranks are spread over them evenly.")
  var nodes = 1

  @Option(help: "Memory of one node, such as 24GiB (default: no limit).")
  var memoryPerNode: ByteSize?

  @Option(name: .customLong("set"), help: ArgumentHelp("Change a setting.", valueName: "section.key=value"))
  var overrides: [String] = []

  @OptionGroup
  var text: TextOptions

  @Option(help: "The longest word, as given to preprocess.")
  var maxWordBytes = WordSplitter.defaultWordLimit

  @Flag(help: "Print only the complete configuration, with a comment on every key.")
  var printConfig = false

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup
  var matching: MatchOptions

  func validate() throws {
    guard ranks > 0, nodes > 0, ranks % nodes == 0 else {
      throw ValidationError("--ranks must be a multiple of --nodes, both at least 1.")
    }
    guard matching.data == nil || text.isUntouched else {
      throw ValidationError("--match measures the text: leave out --bytes-per-word and --bytes-per-token.")
    }
  }

  func run() throws {
    let configuration = try Configuration.load(from: FilePath(configurationFile), overrides: overrides)
    if printConfig { return print(configuration.yaml(), terminator: "") }
    guard !matching.match else { return try matching.run(configuration, self) }
    let text = text.assumed
    let result = try PlanResult(
      configuration, self, forwardFlopsPerByte: text.forwardPerByte(configuration),
      bytesPerWord: text.bytesPerWord, bytesPerToken: text.bytesPerToken, core: CoreRate(for: configuration))
    try json ? JSONOutput.print(result) : result.show()
    try requireFit(result, of: configurationFile)
  }

  /// - Throws: `UserError` of kind `configuration` if the memory of a node does not suffice.
  func requireFit(_ result: PlanResult, of model: String) throws {
    guard let memory = memoryPerNode?.bytes else { return }
    let ranksPerNode = ranks / nodes
    let needed = result.memory(ofStage: result.zeroStage).total * ranksPerNode
    guard needed > memory else { return }
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
    guard bytesPerWord >= 1 else { throw ValidationError("--bytes-per-word must be at least 1.") }
    guard bytesPerToken >= 1 else { throw ValidationError("--bytes-per-token must be at least 1.") }
  }

  var assumed: AssumedText { AssumedText(bytesPerWord: bytesPerWord, bytesPerToken: bytesPerToken) }
  var isUntouched: Bool { assumed == .english }
}
