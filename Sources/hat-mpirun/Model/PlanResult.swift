import HATCore
import HATDistributed
import HATKernels
import HATTerminal

/// What `plan` reports about a configuration.
struct PlanResult: Encodable {
  /// The memory of a rank at one ZeRO stage.
  struct Stage: Encodable {
    let zeroStage: Int
    let memory: RankMemory

    private enum CodingKeys: CodingKey {
      case zeroStage, total
    }

    /// One object, with the fields of `memory` beside the others.
    func encode(to encoder: any Encoder) throws {
      try memory.encode(to: encoder)
      var object = encoder.container(keyedBy: CodingKeys.self)
      try object.encode(zeroStage, forKey: .zeroStage)
      try object.encode(memory.total, forKey: .total)
    }
  }

  let parameters: [String: Int]
  let totalParameters: Int
  let forwardFlopsPerByte: Double
  let trainingFlopsPerByte: Double
  let ranks: Int
  let nodes: Int
  let zeroStage: Int
  /// Bytes of one rank, by purpose, for each ZeRO stage.
  let bytesPerRank: [Stage]
  /// On one core of this machine.
  let matrixProducts: ProductInstructions
  let matrixProductFlopsPerSecond: Double
  let expectedWordsPerSecond: Double
  let expectedBytesPerSecond: Double

  let modules: [ModuleParameters]
  private let configuration: Configuration
  private let maxWordBytes: Int
  private let bytesPerToken: Double
  private let expectedFraction: Double

  private enum CodingKeys: CodingKey {
    case parameters, totalParameters, forwardFlopsPerByte, trainingFlopsPerByte, ranks, nodes, zeroStage,
      bytesPerRank, matrixProducts, matrixProductFlopsPerSecond, expectedWordsPerSecond,
      expectedBytesPerSecond
  }

  /// Stages the trainer offers.
  private static let stages = 0...3

  init(
    _ configuration: Configuration, _ plan: Plan, forwardFlopsPerByte: Double, bytesPerWord: Double,
    bytesPerToken: Double, core: CoreRate
  ) throws {
    self.configuration = configuration
    (ranks, nodes, maxWordBytes) = (plan.ranks, plan.nodes, plan.maxWordBytes)
    zeroStage = configuration.training.zeroStage
    modules = ModuleParameters.all(of: TensorTable(configuration.model))
    parameters = Dictionary(uniqueKeysWithValues: modules.map { ($0.name, $0.count) })
    totalParameters = modules.reduce(0) { $0 + $1.count }
    self.forwardFlopsPerByte = forwardFlopsPerByte
    self.bytesPerToken = bytesPerToken
    trainingFlopsPerByte = ModelCost.trainingPasses * forwardFlopsPerByte
    bytesPerRank = try Self.stages.map { stage in
      Stage(
        zeroStage: stage,
        memory: try RankMemory(
          configuration, ranks: plan.ranks, nodes: plan.nodes, zeroStage: stage,
          maxWordBytes: plan.maxWordBytes, bytesPerToken: bytesPerToken))
    }
    (matrixProducts, matrixProductFlopsPerSecond) = (core.products.instructions, core.flopsPerSecond)
    expectedFraction = core.expectedFraction
    expectedBytesPerSecond = Double(ranks) * core.trainingFlopsPerSecond / trainingFlopsPerByte
    expectedWordsPerSecond = expectedBytesPerSecond / bytesPerWord
  }

  func memory(ofStage stage: Int) -> RankMemory {
    bytesPerRank.first { $0.zeroStage == stage }!.memory
  }

  /// A hint that says what would fit.
  func alternative(memoryPerNode: Int, ranksPerNode: Int) -> String {
    if let stage = bytesPerRank.first(where: { $0.memory.total <= memoryPerNode / ranksPerNode }) {
      return
        "training.zero_stage=\(stage.zeroStage) would fit (\(Amount.memory(stage.memory.total)) per rank)."
    }
    for fewer in (1..<max(2, ranksPerNode)).reversed() where ranksPerNode > 1 {
      if let memory = try? RankMemory(
        configuration, ranks: fewer * nodes, nodes: nodes, zeroStage: Self.stages.upperBound,
        maxWordBytes: maxWordBytes, bytesPerToken: bytesPerToken),
        memory.total <= memoryPerNode / fewer
      {
        return
          "--ranks \(fewer * nodes) on \(Amount.counted(nodes, "node")) with "
          + "training.zero_stage=\(Self.stages.upperBound) would fit (\(Amount.memory(memory.total)) per rank)."
      }
    }
    return "Even one rank per node does not fit: use nodes with more memory, a smaller model, or smaller "
      + "micro-batches (a larger training.micro_batches)."
  }
}

extension PlanResult {
  func show() {
    print("parameters")
    TextTable.show(
      modules.map { [$0.name, "\($0.count)", Amount.large(Double($0.count))] }
        + [["all", "\(totalParameters)", Amount.large(Double(totalParameters))]])
    print("FLOPs per byte of text")
    TextTable.show([
      ["forward", Amount.large(forwardFlopsPerByte)], ["training", Amount.large(trainingFlopsPerByte)],
    ])
    let job = "\(Amount.counted(ranks, "rank")), \(Amount.counted(nodes, "node"))"
    print("memory of one rank (\(job); zero_stage is \(zeroStage))")
    let stages = bytesPerRank
    TextTable.show(
      [["ZeRO stage"] + stages.map { "\($0.zeroStage)" }]
        + [
          ("parameters", \.parameters), ("gradients", \.gradients), ("optimiser state", \.optimizerState),
          ("activations", \.activations), ("exchange", \.exchange), ("staging", \.staging),
          ("samples", \.sampling), ("program", \.process),
          ("all", \RankMemory.total),
        ].map { name, field in [name] + stages.map { Amount.memory($0.memory[keyPath: field]) } })
    print(
      "expected speed, at \(Amount.fixed(100 * expectedFraction, 0)) % of this machine's "
        + "\(Amount.large(matrixProductFlopsPerSecond))FLOP/s per core in matrix products by \(matrixProducts.rawValue)"
    )
    TextTable.show([
      ["words/s", Amount.large(expectedWordsPerSecond)], ["bytes/s", Amount.large(expectedBytesPerSecond)],
    ])
  }
}
