import Foundation
import HATStorage
import HATText
import Testing

@testable import HATCore
@testable import HATDistributed

@Suite struct TrainingDialTests {
  private static let endless = TrainingText(bytes: 1 << 60, bytesPerWord: 5.7, maxWordBytes: 64)
  private static let english = TrainingText(bytes: 45_000_000, bytesPerWord: 5.7, maxWordBytes: 64)

  private func budget(hours: Double, ranks: Int = 1, memory: Int? = nil) -> TrainingBudget {
    TrainingBudget(hours: hours, ranks: ranks, nodes: 1, flopsPerSecond: 2e10, memoryPerRank: memory)
  }

  private func plan(
    hours: Double, ranks: Int = 1, memory: Int? = nil, _ text: TrainingText = english
  ) throws -> RunPlan {
    try TrainingDial().plan(budget(hours: hours, ranks: ranks, memory: memory), text)
  }

  private func failure(_ work: () throws -> RunPlan) -> UserError? {
    #expect(throws: UserError.self) { _ = try work() }
  }

  @Test(arguments: ["tiny", "small", "base", "paper-1b", "paper-3b", "paper-7b"])
  func presetsAreSizes(name: String) throws {
    let preset = try Presets.load(name).model
    var model = preset
    try #require(ModelSize.ladder.first { $0.name == name }).apply(to: &model)
    #expect(model.backbone == preset.backbone)
    #expect(model.encoder == preset.encoder && model.decoder == preset.decoder)
  }

  @Test func itLearnsAsThePresetsDo() throws {
    let differences = try TrainingDial().recipe.differences(from: Presets.load("base")).map(\.setting)
    #expect(differences.filter { !TrainingDial.decided.contains($0) && !$0.hasPrefix("output.") } == [])
  }

  /// But for whole steps, and for longer sequences, which cost a little more.
  @Test(arguments: [endless, english]) func moreHoursAreNeverExpectedWorse(text: TrainingText) throws {
    var before = Double.infinity
    for power in 0..<40 {
      let plan = try plan(hours: 0.02 * pow(1.5, Double(power)), ranks: 2, text)
      #expect(plan.expected.bitsPerByte < before + 0.005 + TrainingDial.indifference, "\(plan)")
      #expect(plan.expected.interval.contains(plan.expected.bitsPerByte))
      before = min(before, plan.expected.bitsPerByte)
    }
  }

  @Test func noTextIsReadTwiceAndTimeIsNotExceeded() throws {
    for hours in [0.02, 1, 30, 1000] {
      let plan = try plan(hours: hours)
      let training = plan.configuration.training
      #expect(plan.textBytes <= Self.english.bytes && plan.seconds <= hours * 3600)
      #expect(training.steps * plan.batchBytes <= Self.english.bytes)
      #expect(training.warmupSteps == min(500, training.steps / 10))
    }
    // With 45 MB there is nothing to do for so many hours.
    let long = try plan(hours: 1000)
    #expect(long.withEnoughText!.textBytes > Self.english.bytes)
    #expect(long.withEnoughText!.bitsPerByte < long.expected.bitsPerByte)
    #expect(long.textBytes > Self.english.bytes * 9 / 10)
    #expect(try plan(hours: 0.1, Self.endless).withEnoughText == nil)
  }

  @Test func moreTimeFindsLargerModels() throws {
    let costs = try [0.1, 100, 1e5].map { try plan(hours: $0, ranks: 8, Self.endless).trainingFlopsPerByte }
    #expect(costs[0] < costs[1] && costs[1] < costs[2])
  }

  @Test func timeThatTextDoesNotNeedIsNotSpent() throws {
    let (long, longer) = (try plan(hours: 1e6), try plan(hours: 1e6, ranks: 8))
    #expect(long.size == longer.size && long.seconds < 1e6 * 3600)
    let law = ScalingLaw.hierarchical
    let endless = law.bitsPerByte(flopsPerByte: 1e15, textBytes: Double(long.textBytes))
    #expect(long.expected.bitsPerByte > endless)
    let largest = try #require(ModelSize.ladder.last)
    var model = long.configuration
    largest.apply(to: &model.model)
    let most = ModelCost.trainingPasses * Self.english.assumed.forwardPerByte(model)
    #expect(
      long.expected.bitsPerByte
        <= law.bitsPerByte(flopsPerByte: most, textBytes: Double(long.textBytes)) + TrainingDial.indifference
        + 1e-3)
  }

  @Test func whatDoesNotFitIntoMemoryIsPassedOver() throws {
    let free = try plan(hours: 100)
    let limit = 600 << 20
    let bound = try plan(hours: 100, memory: limit)
    let memory = try RankMemory(bound.configuration, ranks: 1, nodes: 1, zeroStage: 1, maxWordBytes: 64)
    #expect(memory.total <= limit && bound.withEnoughMemory?.size == free.size)
    #expect(bound.expected.bitsPerByte > free.expected.bitsPerByte && free.withEnoughMemory == nil)
    let error = failure { try plan(hours: 100, memory: 10 << 20) }
    #expect(error?.problem.contains("memory") == true)
  }

  @Test(arguments: [1, 2, 3, 7, 64, 1000]) func ranksDivideTheMicroBatches(ranks: Int) throws {
    for hours in [0.2, 5, 500] {
      let plan = try plan(hours: hours, ranks: ranks, Self.endless)
      let training = plan.configuration.training
      #expect(training.microBatches % ranks == 0 && training.sequencesPerStep % training.microBatches == 0)
      let needed = Double(ranks) * Double(plan.batchBytes) / Double(training.sequencesPerStep)
      let usual = RunCandidate.usualBatchBytes(textBytes: Double(plan.textBytes))
      #expect(
        0.6...1.6 ~= Double(plan.batchBytes) / max(needed, usual), "\(ranks) ranks, \(hours) h: \(plan)")
      #expect((plan.usualBatchBytes != nil) == (Double(plan.batchBytes) > 1.5 * usual))
      #expect(training.steps >= TrainingDial.fewestSteps)
    }
  }

  @Test func outputComesOftenEnough() throws {
    for (hours, ranks) in [(0.02, 1), (1, 1), (100, 2), (10_000, 64)] {
      let plan = try plan(hours: hours, ranks: ranks, Self.endless)
      let (training, output) = (plan.configuration.training, plan.configuration.output)
      let stepSeconds = plan.seconds / Double(training.steps)
      #expect(output.evaluateEvery == max(50, training.steps / 10))
      #expect(output.checkpointEvery <= output.evaluateEvery)
      #expect(output.checkpointEvery == 1 || Double(output.checkpointEvery) * stepSeconds <= 901)
    }
  }

  @Test func whatIsTooLittleNamesWhatWouldDo() throws {
    for ranks in [1, 64] {
      let short = failure { try plan(hours: 1e-6, ranks: ranks) }
      let hours = try #require(short?.hint.split(separator: " ").dropFirst().first.flatMap { Double($0) })
      #expect(try plan(hours: hours, ranks: ranks, Self.endless).configuration.training.steps >= 50)

      var little = Self.english
      little.bytes = 20_000
      let error = failure { try plan(hours: 1, ranks: ranks, little) }
      #expect(error?.problem.contains("too little text") == true)
      #expect(error?.hint.contains("fewer `ranks`") == (ranks > 1))
      little.bytes = try #require(error?.hint.split(separator: " ").first.flatMap { Int($0) }) * 1000
      #expect(try plan(hours: 1, ranks: ranks, little).configuration.training.steps >= 50)
    }
  }

  /// From 64 MB on sequences are longer, so with many ranks the smallest size takes fewer steps of more text, and never enough.
  @Test(.timeLimit(.minutes(1)), arguments: [50_000_000, 59_000_000])
  func textThatIsEnoughForOneSizeWouldDo(bytes: Int) throws {
    let hours = 1.66e14 / (3600 * TrainingBudget.shareOfSteps * 850 * 2e10)
    var text = TrainingText(bytes: bytes, bytesPerWord: 5.6, maxWordBytes: 64)
    let error = failure { try plan(hours: hours, ranks: 850, text) }
    #expect(error?.problem.contains("too little text") == true, "\(error.debugDescription)")
    text.bytes = try #require(error?.hint.split(separator: " ").first.flatMap { Int($0) }) * 1000
    #expect(try plan(hours: hours, ranks: 850, text).configuration.training.steps >= 50)
  }

  @Test func settingsItDecidesAreRefusedAndOthersKept() throws {
    let names = Set(Setting.all.map { "\($0.section).\($0.key)" })
    for setting in TrainingDial.decided {
      #expect(names.contains(setting))
      let error = failure {
        try TrainingDial(overrides: ["\(setting)=3"]).plan(budget(hours: 1), Self.english)
      }
      #expect(error?.kind == .configuration && error?.problem.contains(setting) == true)
    }
    func plan(_ overrides: [String]) throws -> RunPlan {
      try TrainingDial(overrides: overrides).plan(budget(hours: 1), Self.english)
    }
    let changed = try plan([
      "output.evaluate_every=7", "training.zero_stage=2", "data.seed=5", "model.byte_ngrams=0",
    ])
    #expect(changed.changedSettings == ["model.byte_ngrams"])
    let configuration = changed.configuration
    #expect(configuration.output.evaluateEvery == 7 && configuration.training.zeroStage == 2)
    #expect(configuration.data.seed == 5 && configuration.model.byteNgrams == 0)
    #expect(failure { try plan(["output.keep=0"]) } != nil)
  }

  @Test func weightsLimitTheTextOfCorpora() throws {
    let corpora = try [("a", 300), ("b", 900)].map { try LoaderCorpus(documents: $1, name: $0) }
    let bytes = corpora.map { Double($0.corpus.counts(.train).bytes) }
    func text(_ weights: [Double]) throws -> TrainingText {
      try TrainingText(Mixture(zip(corpora, weights).map { ($0.corpus, $1) }))
    }
    #expect(abs(Double(try text([1, 1]).bytes) - 2 * bytes[0]) <= 1)
    #expect(abs(Double(try text([0.1, 0.9]).bytes) - bytes[1] / 0.9) <= 1)
    #expect(5...6.5 ~= (try text([1, 1]).bytesPerWord))
  }
}
