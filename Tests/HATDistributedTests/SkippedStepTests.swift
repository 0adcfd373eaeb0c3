import HATCore
import SystemPackage
import TestSupport
import Testing

@testable import HATDistributed

/// Steps whose loss or gradient is not finite.
@Suite struct SkippedStepTests {
  private let folder = TemporaryFolder()

  private func run(_ poison: [Int: ToyExamples.Poison], in folder: TemporaryFolder? = nil) -> ToyRun {
    var run = ToyRun(folder: (folder ?? self.folder).path)
    run.poison = poison
    return run
  }

  @Test(arguments: [ToyExamples.Poison.loss, .gradient]) func aSkippedStepChangesNothingButTheCount(
    poison: ToyExamples.Poison
  ) throws {
    var run = run([7: poison])
    run.configuration.output.keep = 12
    run.configuration.output.checkpointEvery = 1
    var before = run
    before.configuration.training.steps = 6
    _ = try before.train(ranks: 2)
    let state = try before.state()
    // A request to stop writes a checkpoint of the skipped step.
    #expect(try run.train(ranks: 4, stopAfter: 7) == .stopped(step: 7))
    #expect(try run.state() == state)
    #expect(try run.train(ranks: 2) == .finished(step: 12))
    #expect(try run.state() != state)
    #expect(try run.results().map { $0["skipped_steps"] } == (1...12).map { $0 < 7 ? 0 : 1 })
    #expect(
      try run.skipped().map(\.documents) == [
        poison == .loss ? ["step 7, micro-batch 3"] : (0..<8).map { "step 7, micro-batch \($0)" }
      ])
    #expect(try run.skipped()[0].gradientNorm == nil)
    #expect(try (run.skipped()[0].loss == nil) == (poison == .loss))
  }

  @Test func skipsAreTheSameOnAnyRankCountAndAfterResuming() throws {
    let poison: [Int: ToyExamples.Poison] = [2: .loss, 5: .gradient, 6: .loss, 8: .gradient, 12: .loss]
    let reference = run(poison)
    #expect(try reference.train(ranks: 1) == .finished(step: 12))
    #expect(try reference.skipped().map(\.step) == [2, 5, 6, 8, 12])
    for (before, after) in [(1, 4), (2, 8), (8, 1)] {
      for stop in [2, 5, 6, 11] {
        let folder = TemporaryFolder()
        let run = run(poison, in: folder)
        #expect(try run.train(ranks: before, stopAfter: stop) == .stopped(step: stop))
        #expect(try run.train(ranks: after) == .finished(step: 12))
        #expect(try run.results() == reference.results())
        #expect(try run.state() == reference.state())
        #expect(try run.skipped() == reference.skipped())
      }
    }
  }

  @Test(arguments: [nil, 8, 9]) func severalInARowEndTheRun(stop: Int?) throws {
    let run = run([3: .loss, 8: .loss, 9: .gradient, 10: .loss])
    if let stop { #expect(try run.train(ranks: 1, stopAfter: stop) == .stopped(step: stop)) }
    let failure = #expect(throws: AgreedFailure.self) { try run.train(ranks: 4) }
    #expect(failure?.cause.exitCode == 78)
    #expect(failure?.description.contains("8 to 10") == true, "\(failure!)")
    #expect(failure?.description.contains("last good checkpoint is that of step 5") == true, "\(failure!)")
  }

  @Test func aModelThatDivergesIsNotKeptInPlaceOfTheGoodCheckpoints() throws {
    var run = run([:])
    run.configuration.output.checkpointEvery = 1
    run.configuration.training.steps = 4
    _ = try run.train(ranks: 2)
    // From step 5 on the parameters are no longer finite; so is the checkpoint of that step.
    run.configuration.training.steps = 12
    run.configuration.training.warmupSteps = 0
    run.configuration.training.peakLearningRate = 1e38
    try run.rewriteConfiguration()
    let failure = #expect(throws: AgreedFailure.self) { try run.train(ranks: 4) }
    #expect(failure?.description.contains("last good checkpoint is that of step 4") == true, "\(failure!)")
    #expect(try CheckpointStore(run: FilePath(folder.path)).list() == [4, 5])
  }
}
