import DistributedTestSupport
import HATKernels
import HATText
import TestSupport
import Testing

@testable import HATCore
@testable import HATDistributed

@Suite struct PlanningTests {
  @Test func aModelIsFoundFromItsOwnPoints() {
    let points = [(1 << 10, 2), (1 << 22, 2), (1 << 24, 4), (1 << 26, 8)].map { bytes, ranks in
      ReductionModel.Point(
        bytes: bytes, ranks: ranks,
        seconds: 3e-6 + ReductionModel.traffic(bytes: bytes, ranks: ranks) / 2e10)
    }
    let model = ReductionModel(fitting: points)
    #expect(abs(model.latency - 3e-6) < 1e-9 && abs(model.bandwidth - 2e10) < 1e4, "\(model)")
    #expect(model.errors(on: points).allSatisfy { $0 < 1e-6 })
  }

  /// The largest settings that there are, all together.
  @Test(arguments: ModelKind.allCases, OptimizerKind.allCases)
  func theLargestModelCanBePlanned(kind: ModelKind, optimizer: OptimizerKind) throws {
    var configuration = Configuration()
    configuration.model.kind = kind
    (configuration.model.width, configuration.model.layers) = (65_536, 1_000)
    (configuration.model.headSize, configuration.model.mlpHidden) = (2, 1_000_000)
    if kind == .hierarchical {
      (configuration.model.byteWidth, configuration.model.byteHeadSize) = (65_536, 2)
      (configuration.model.encoderLayers, configuration.model.decoderLayers) = (1_000, 1_000)
      configuration.model.byteMLPHidden = 1_000_000
      (configuration.model.byteNgrams, configuration.model.byteNgramRows) = (8, 1 << 24)
      (configuration.model.prefixNgrams, configuration.model.prefixNgramRows) = (2, 1 << 24)
    } else {
      configuration.model.vocabulary = 1 << 20
      (configuration.model.tokenNgrams, configuration.model.tokenNgramRows) = (8, 1 << 24)
    }
    (configuration.data.sequenceWords, configuration.data.sequenceBytes) = (128, 128)
    configuration.training.microBatches = 64
    configuration.training.sequencesPerStep = 64 << 20
    configuration.training.optimizer = optimizer
    try configuration.validate()
    for stage in Sharding.stages {
      let memory = try RankMemory(
        configuration, ranks: 64, nodes: 4, zeroStage: stage, maxWordBytes: WordSplitter.wordLimits.upperBound
      )
      #expect(memory.total > 1 << 50)
    }
    #expect(AssumedText.english.forwardPerByte(configuration).isFinite)
  }

  @Test(arguments: ["small", "base"]) func sixteenBitsTakeSevenTenthsOfTheActivations(preset: String) throws {
    var configuration = try Presets.load(preset)
    func activations(_ precision: Precision) throws -> Double {
      configuration.training.precision = precision
      return Double(
        try RankMemory(configuration, ranks: 1, nodes: 1, zeroStage: 1, maxWordBytes: 64).activations)
    }
    let ratio = try activations(.bf16) / activations(.float32)
    #expect(ratio <= 0.7, "\(ratio)")
  }

  /// What is predicted to travel is what travels, to the byte.
  @Test(arguments: Sharding.stages) func theTrafficIsThatPredicted(zeroStage: Int) throws {
    for (ranks, nodes, microBatches) in [(2, 2, 2), (4, 2, 8), (6, 3, 6), (4, 4, 12)] {
      let map = NodeMap(ranks: ranks, nodes: nodes)
      let sharding = try Sharding(
        stage: zeroStage, nodes: map, ToyRegression.table, TrainingConfiguration().optimizerRule,
        microBatches: microBatches)
      let sent = try ThreadCommunicator.run(on: map) { base -> Int in
        let communicator = CountingCommunicator(base)
        let clock = PhaseClock()
        let parameters = try ParameterStore(communicator: communicator, sharding: sharding, clock: clock)
        let gradients = try GradientStore(
          communicator: communicator, sharding: sharding, format: .float32, clock: clock)
        try parameters.share()
        communicator.sentBytes = 0
        let model = ToyRegression()
        let examples = [
          ToyRegression.Example(inputs: [Float](repeating: 1, count: ToyRegression.count), target: 1)
        ]
        try gradients.accumulate(with: parameters) { _, memory in
          _ = try model.lossAndGradient(examples, memory)
        }
        try parameters.share()
        return communicator.sentBytes
      }
      let predicted = NetworkTraffic(sharding, format: .float32).bytesPerNode * Double(nodes)
      #expect(Double(sent.reduce(0, +)) == predicted, "\(ranks) ranks on \(nodes) nodes")
    }
  }
}
