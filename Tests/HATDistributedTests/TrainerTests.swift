import HATCore
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATDistributed

@Suite struct TrainerTests {
  @Test func itLearns() throws {
    let folder = TemporaryFolder()
    var run = ToyRun(folder: folder.path, configuration: ToyRun.configuration(steps: 40))
    run.configuration.training.peakLearningRate = 0.003
    #expect(try run.train(ranks: 2) == .finished(step: 40))
    let results = try run.results()
    #expect(results.map { $0["step"] } == (1...40).map(Double.init))
    let losses = results.compactMap { $0["loss"]! }
    let (first, last) = (losses.prefix(5).reduce(0, +), losses.suffix(5).reduce(0, +))
    #expect(last < 0.5 * first)
    #expect(try run.evaluations().map { $0["step"] } == stride(from: 4.0, through: 40, by: 4).map { $0 })
    #expect(try CheckpointStore(run: FilePath(folder.path)).list() == [35, 40])
  }

  /// 8 micro-batches, and 24, of which the powers of two leave an odd part.
  @Test(arguments: Sharding.stages, [(8, .adamw), (24, .adamw), (8, .muon)] as [(Int, OptimizerKind)])
  func everyPowerOfTwoGivesTheSameBits(
    zeroStage: Int, kind: (microBatches: Int, optimizer: OptimizerKind)
  ) throws {
    let reference = TemporaryFolder()
    let configuration = ToyRun.configuration(
      steps: 12, microBatches: kind.microBatches, optimizer: kind.optimizer)
    let expected = ToyRun(folder: reference.path, configuration: configuration)
    _ = try expected.train(ranks: 1)
    for (ranks, nodes) in [(1, 1), (2, 1), (2, 2), (4, 1), (4, 2), (8, 1), (8, 2), (8, 3)] {
      let folder = TemporaryFolder()
      var run = ToyRun(folder: folder.path, configuration: configuration)
      run.configuration.training.zeroStage = zeroStage
      #expect(try run.train(ranks: ranks, nodes: nodes) == .finished(step: 12))
      #expect(try run.results() == expected.results(), "\(ranks) ranks on \(nodes) nodes")
      #expect(try run.evaluations() == expected.evaluations(), "\(ranks) ranks on \(nodes) nodes")
      #expect(try run.state() == expected.state(), "\(ranks) ranks on \(nodes) nodes")
    }
  }

  @Test(arguments: Sharding.stages) func otherRankCountsAgreeToRounding(zeroStage: Int) throws {
    let reference = TemporaryFolder()
    let configuration = ToyRun.configuration(steps: 6, microBatches: 30)
    let expected = ToyRun(folder: reference.path, configuration: configuration)
    _ = try expected.train(ranks: 1)
    let weights = try expected.state()[0].map(Float.init(bitPattern:))
    for (ranks, nodes) in [(3, 1), (3, 2), (5, 1), (5, 2)] {
      let folder = TemporaryFolder()
      var run = ToyRun(folder: folder.path, configuration: configuration)
      run.configuration.training.zeroStage = zeroStage
      #expect(try run.train(ranks: ranks, nodes: nodes) == .finished(step: 6))
      let largest = zip(try run.state()[0].map(Float.init(bitPattern:)), weights).map { abs($0 - $1) }.max()!
      #expect(largest < 1e-5, "\(ranks) ranks on \(nodes) nodes: \(largest)")
    }
  }

  @Test(arguments: OptimizerKind.allCases)
  func stoppingAndResumingOnOtherRanksChangesNothing(optimizer: OptimizerKind) throws {
    let reference = TemporaryFolder()
    let configuration = ToyRun.configuration(steps: 12, optimizer: optimizer)
    let expected = ToyRun(folder: reference.path, configuration: configuration)
    _ = try expected.train(ranks: 1)
    for (before, after) in [(1, 1), (1, 4), (2, 8), (4, 1), (8, 2), (4, 4)] {
      for stop in [1, 4, 5, 11] {
        let folder = TemporaryFolder()
        let run = ToyRun(folder: folder.path, configuration: configuration)
        #expect(try run.train(ranks: before, stopAfter: stop) == .stopped(step: stop))
        #expect(try run.train(ranks: after, stopAfter: stop + 1).isAfter(stop))
        #expect(try run.train(ranks: before) == .finished(step: 12))
        #expect(try run.results() == expected.results(), "\(before) then \(after) ranks at step \(stop)")
        #expect(try run.evaluations() == expected.evaluations())
        #expect(try run.state() == expected.state())
      }
    }
  }

  @Test(arguments: Sharding.stages, Sharding.stages)
  func checkpointsOfAnyRankCountAndStageAreReadByAnyOther(stageBefore: Int, stageAfter: Int) throws {
    let reference = TemporaryFolder()
    let configuration = ToyRun.configuration(steps: 3, microBatches: 60)
    let expected = ToyRun(folder: reference.path, configuration: configuration)
    _ = try expected.train(ranks: 1)
    let weights = try expected.state()[0].map(Float.init(bitPattern:))
    for before in 1...5 {
      for after in 1...5 {
        let folder = TemporaryFolder()
        var run = ToyRun(folder: folder.path, configuration: configuration)
        run.configuration.training.zeroStage = stageBefore
        _ = try run.train(ranks: before, nodes: min(2, before), stopAfter: 1)
        run.configuration.training.zeroStage = stageAfter
        #expect(try run.train(ranks: after, nodes: min(2, after)) == .finished(step: 3))
        let state = try run.state()
        let largest = zip(state[0].map(Float.init(bitPattern:)), weights).map { abs($0 - $1) }.max()!
        #expect(largest < 1e-5, "\(before) then \(after) ranks: \(largest)")
        // 60 micro-batches are four times fifteen: one, two and four ranks give the same bits.
        if ![3, 5].contains(before) && ![3, 5].contains(after) { #expect(try state == expected.state()) }
      }
    }
  }

  @Test func resumingAFinishedRunDoesNothing() throws {
    let folder = TemporaryFolder()
    let run = ToyRun(folder: folder.path)
    _ = try run.train(ranks: 2)
    let (results, state) = (try run.results(), try run.state())
    #expect(try run.train(ranks: 2) == .finished(step: 12))
    #expect(try run.results() == results)
    #expect(try run.state() == state)
  }

  @Test func aRunKilledBetweenCheckpointsCatchesUp() throws {
    let reference = TemporaryFolder()
    let expected = ToyRun(folder: reference.path)
    _ = try expected.train(ranks: 2)
    let folder = TemporaryFolder()
    var run = ToyRun(folder: folder.path)
    let error = UserError(.invalidData, at: "shard", "it cannot be read", hint: "Mend it.")
    for (killed, ranks) in [(3, 2), (9, 4), (11, 1)] {
      run.failure = { _ in (killed, error) }
      #expect(throws: AgreedFailure.self) { try run.train(ranks: ranks) }
    }
    run.failure = nil
    #expect(try run.train(ranks: 4) == .finished(step: 12))
    #expect(try run.results() == expected.results())
    #expect(try run.state() == expected.state())
  }

  @Test func aFailureOnOneRankIsTheSameErrorOnAll() throws {
    let folder = TemporaryFolder()
    var run = ToyRun(folder: folder.path)
    let error = UserError(.invalidData, at: "shard", "it cannot be read", hint: "Mend it.")
    run.failure = { rank in rank == 2 ? (4, error) : nil }
    let failure = #expect(throws: AgreedFailure.self) { try run.train(ranks: 4) }
    #expect(failure == AgreedFailure(rank: 2, cause: SharedError(error)))
  }
}

extension TrainingOutcome {
  fileprivate func isAfter(_ step: Int) -> Bool {
    switch self {
    case .finished(let end), .stopped(let end): end > step
    }
  }
}
