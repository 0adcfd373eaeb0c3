import ArgumentParser
import HATCore
import HATDistributed
import HATTerminal
import HATText
import SystemPackage

/// The cluster that `benchmark scaling` predicts.
struct ClusterOptions: ParsableArguments {
  @Option(help: "Number of nodes.")
  var nodes = 64

  @Option(help: "Ranks on each node.")
  var ranksPerNode = 64

  @Option(help: "Latency between two nodes, in microseconds.")
  var networkLatency = 2.0

  @Option(help: "Bandwidth between a node and the network, in bytes per second each way.")
  var networkBandwidth = ByteSize(bytes: 12_500_000_000)

  @Option(help: "Memory bandwidth of a node, in bytes per second (default: as fitted on this machine).")
  var memoryBandwidth: ByteSize?

  @Option(
    parsing: .upToNextOption,
    help: "Further configurations to predict, such as configs/paper-7b.yaml.")
  var predict: [String] = []

  @OptionGroup
  var text: TextOptions

  func validate() throws {
    try OptionLimits.ranks.check("--nodes", nodes)
    try OptionLimits.ranks.check("--ranks-per-node", ranksPerNode)
    try OptionLimits.ranks.check("--nodes times --ranks-per-node", nodes * ranksPerNode)
    try OptionLimits(0...1e9).check("--network-latency", networkLatency)
  }
}

extension ClusterOptions {
  /// Predicts every stage of the configurations.
  /// - Parameters:
  ///   - ranks: of this machine, for which `model` holds.
  ///   - rate: floating-point operations per second of a rank.
  func show(
    _ configuration: Configuration, model: ReductionModel, ranks: Int, rate: Double, json: Bool
  ) throws {
    let cluster = Cluster(
      nodes: nodes, ranksPerNode: ranksPerNode, networkLatency: networkLatency * 1e-6,
      networkBandwidth: Double(networkBandwidth.bytes),
      memoryBandwidth: memoryBandwidth.map { Double($0.bytes) } ?? model.bandwidth * Double(ranks),
      computeRate: rate)
    let all =
      try [("as measured", configuration)] + predict.map { ($0, try Configuration.load(from: FilePath($0))) }
    for (name, configuration) in all {
      try configuration.model.require(.hierarchical, for: "benchmark scaling", at: name)
      let configuration = shared(configuration, by: nodes * ranksPerNode)
      let predictions = try (0...3).map {
        try ClusterPrediction(
          configuration, on: cluster, zeroStage: $0, maxWordBytes: WordSplitter.defaultWordLimit,
          text: text.assumed)
      }
      if json {
        for prediction in predictions {
          try JSONOutput.print(Named(configuration: name, prediction: prediction))
        }
      } else {
        show(predictions, of: name, sequences: configuration.training.sequencesPerStep)
      }
    }
  }

  /// Changed so that a step has a micro-batch of at least one sequence for every rank.
  private func shared(_ configuration: Configuration, by ranks: Int) -> Configuration {
    var configuration = configuration
    guard configuration.training.microBatches % ranks != 0 else { return configuration }
    configuration.training.microBatches = ranks
    configuration.training.sequencesPerStep =
      (configuration.training.sequencesPerStep + ranks - 1) / ranks * ranks
    return configuration
  }

  private struct Named: Encodable {
    var configuration: String
    var prediction: ClusterPrediction
  }

  private func show(_ predictions: [ClusterPrediction], of name: String, sequences: Int) {
    print("predicted for \(nodes) nodes of \(ranksPerNode) ranks, \(sequences) sequences per step: \(name)")
    TextTable.show(
      [
        [
          "ZeRO stage", "memory per node", "sent per node", "compute", "memory", "network", "step",
          "efficiency",
        ]
      ]
        + predictions.map {
          [
            "\($0.zeroStage)", Amount.memory($0.memoryPerNode), Amount.bytes($0.trafficPerNode),
            Amount.fixed($0.computeSeconds, 2) + " s", Amount.fixed($0.memorySeconds, 2) + " s",
            Amount.fixed($0.networkSeconds, 2) + " s", Amount.fixed($0.stepSeconds, 2) + " s",
            Amount.fixed(100 * $0.efficiency, 1) + "%",
          ]
        })
  }
}
