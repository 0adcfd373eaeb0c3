import ArgumentParser
import HATCore
import HATDistributed
import HATStorage
import HATText
import SystemPackage

struct Plan: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what a configuration costs before it is trained: parameters, FLOPs, memory, speed.",
    discussion: """
      Ends with exit code 78 when a rank's memory cannot fit, naming what would.

      --match finds the depth and width of the subword model that costs as much to train on a byte of the corpus, and \
      puts both beside each other.
      """)

  @Option(name: .customLong("config"), help: ArgumentHelp("The configuration.", valueName: "FILE"))
  var configurationFile: String

  @Option(help: "Ranks, all nodes together.")
  var ranks = 1

  @Option(help: "Nodes the ranks are spread over evenly.")
  var nodes = 1

  @Option(help: "Memory of one node, such as 24GiB; without it nothing is refused.")
  var memoryPerNode: ByteSize?

  @Option(name: .customLong("set"), help: ArgumentHelp("Override a setting.", valueName: "section.key=value"))
  var overrides: [String] = []

  @OptionGroup
  var text: TextOptions

  @Option(help: "The longest word, as given to preprocess.")
  var maxWordBytes = WordSplitter.defaultWordLimit

  @Flag(help: "Write the complete configuration with a comment on every key, and nothing else.")
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
      throw ValidationError("--match measures the text: leave --bytes-per-word and --bytes-per-token out.")
    }
  }

  func run() throws {
    let configuration = try Configuration.load(from: FilePath(configurationFile), overrides: overrides)
    if printConfig { return print(configuration.yaml(), terminator: "") }
    guard !matching.match else { return try matching.run(configuration, self) }
    let result = try PlanResult(
      configuration, self, text.assumed, core: CoreRate(for: configuration))
    try json ? JSONOutput.print(result) : result.show()
    try requireFit(result, of: configurationFile)
  }

  /// - Throws: `UserError` of kind `configuration` when the memory of a node does not suffice.
  func requireFit(_ result: PlanResult, of model: String) throws {
    guard let memory = memoryPerNode?.bytes else { return }
    let ranksPerNode = ranks / nodes
    let needed = result.memory(ofStage: result.zeroStage).total * ranksPerNode
    guard needed > memory else { return }
    throw UserError(
      .configuration, at: model,
      "\(ranksPerNode) ranks a node need \(Amount.memory(needed)) of memory at ZeRO stage \(result.zeroStage), "
        + "a node has \(Amount.memory(memory))",
      hint: result.alternative(memoryPerNode: memory, ranksPerNode: ranksPerNode))
  }
}
