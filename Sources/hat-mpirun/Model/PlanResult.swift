import HATCore
import HATDistributed
import HATKernels

/// What `plan` says about a configuration.
struct PlanResult: Encodable {
  struct Stage: Encodable {
    let zeroStage: Int
    let parameters: Int
    let gradients: Int
    let moments: Int
    let activations: Int
    let exchange: Int
    let staging: Int
    let process: Int
    let total: Int
  }

  let parameters: [String: Int]
  let totalParameters: Int
  let forwardFlopsPerByte: Double
  let trainingFlopsPerByte: Double
  let ranks: Int
  let nodes: Int
  let zeroStage: Int
  /// Bytes of one rank, by purpose, for each stage there is.
  let bytesPerRank: [Stage]
  /// Of one core of this machine.
  let matrixProducts: ProductArithmetic
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

  init(_ configuration: Configuration, _ plan: Plan, _ text: AssumedText, core: CoreRate) throws {
    try self.init(
      configuration, plan, forwardFlopsPerByte: text.forwardPerByte(configuration),
      bytesPerWord: text.bytesPerWord, bytesPerToken: text.bytesPerToken, core: core)
  }

  init(
    _ configuration: Configuration, _ plan: Plan, forwardFlopsPerByte: Double, bytesPerWord: Double,
    bytesPerToken: Double, core: CoreRate
  ) throws {
    self.configuration = configuration
    (ranks, nodes, maxWordBytes) = (plan.ranks, plan.nodes, plan.maxWordBytes)
    zeroStage = configuration.training.zeroStage
    modules = ModuleParameters.all(of: ParameterLayout(configuration.model))
    parameters = Dictionary(uniqueKeysWithValues: modules.map { ($0.name, $0.count) })
    totalParameters = modules.reduce(0) { $0 + $1.count }
    self.forwardFlopsPerByte = forwardFlopsPerByte
    self.bytesPerToken = bytesPerToken
    trainingFlopsPerByte = ModelCost.trainingPasses * forwardFlopsPerByte
    bytesPerRank = try Self.stages.map { stage in
      Stage(
        zeroStage: stage,
        try RankMemory(
          configuration, ranks: plan.ranks, nodes: plan.nodes, zeroStage: stage,
          maxWordBytes: plan.maxWordBytes, bytesPerToken: bytesPerToken))
    }
    (matrixProducts, matrixProductFlopsPerSecond) = (core.products, core.flopsPerSecond)
    expectedFraction = core.expectedFraction
    expectedBytesPerSecond =
      Double(ranks) * core.flopsPerSecond * core.expectedFraction / trainingFlopsPerByte
    expectedWordsPerSecond = expectedBytesPerSecond / bytesPerWord
  }

  func memory(ofStage stage: Int) -> Stage {
    bytesPerRank.first { $0.zeroStage == stage }!
  }

  /// What would fit, in words.
  func alternative(memoryPerNode: Int, ranksPerNode: Int) -> String {
    if let stage = bytesPerRank.first(where: { $0.total * ranksPerNode <= memoryPerNode }) {
      return "training.zero_stage=\(stage.zeroStage) would fit (\(Amount.memory(stage.total)) a rank)."
    }
    for fewer in (1..<max(2, ranksPerNode)).reversed() where ranksPerNode > 1 {
      if let memory = try? RankMemory(
        configuration, ranks: fewer * nodes, nodes: nodes, zeroStage: Self.stages.upperBound,
        maxWordBytes: maxWordBytes, bytesPerToken: bytesPerToken),
        memory.total * fewer <= memoryPerNode
      {
        return "--ranks \(fewer * nodes) on \(nodes) nodes would fit (\(Amount.memory(memory.total)) a rank)."
      }
    }
    return "Even one rank a node does not fit: use nodes with more memory, a smaller model, or smaller "
      + "micro-batches (a larger training.micro_batches)."
  }
}

extension PlanResult.Stage {
  init(zeroStage: Int, _ memory: RankMemory) {
    self.zeroStage = zeroStage
    parameters = memory.parameters
    gradients = memory.gradients
    moments = memory.moments
    activations = memory.activations
    exchange = memory.exchange
    staging = memory.staging
    process = memory.process
    total = memory.total
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
    print("memory of one rank (\(ranks) ranks, \(nodes) nodes; zero_stage is \(zeroStage))")
    let stages = bytesPerRank
    TextTable.show(
      [["ZeRO stage"] + stages.map { "\($0.zeroStage)" }]
        + [
          ("parameters", \.parameters), ("gradients", \.gradients), ("moments", \.moments),
          ("activations", \.activations), ("exchange", \.exchange), ("staging", \.staging),
          ("program", \.process),
          ("all", \PlanResult.Stage.total),
        ].map { name, field in [name] + stages.map { Amount.memory($0[keyPath: field]) } })
    print(
      "expected speed, at \(Amount.fixed(100 * expectedFraction, 0)) % of this machine's "
        + "\(Amount.large(matrixProductFlopsPerSecond))FLOP/s a core in matrix products by \(matrixProducts.rawValue)"
    )
    TextTable.show([
      ["words/s", Amount.large(expectedWordsPerSecond)], ["bytes/s", Amount.large(expectedBytesPerSecond)],
    ])
  }
}
