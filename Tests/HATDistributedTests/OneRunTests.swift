import DistributedTestSupport
import Foundation
import HAT
import HATCore
import HATDistributed
import HATKernels
import SystemPackage
import TestSupport
import Testing

/// What file systems show the ranks of a run may differ: then no rank trains.
@Suite struct OneRunTests {
  private let folder = TemporaryFolder()

  private static let configuration: Configuration = {
    var configuration = Configuration()
    (configuration.model.byteWidth, configuration.model.byteHeadSize) = (16, 8)
    (configuration.model.width, configuration.model.headSize, configuration.model.layers) = (32, 8, 1)
    (configuration.data.sequenceWords, configuration.data.sequenceBytes) = (16, 128)
    (configuration.training.sequencesPerStep, configuration.training.microBatches) = (2, 2)
    (configuration.training.steps, configuration.training.warmupSteps) = (1, 0)
    configuration.training.products = .fusedMultiplyAdds
    configuration.output.checkpointEvery = 1
    return configuration
  }()

  /// Trains on two ranks.
  /// - Parameter make: what each rank trains.
  /// - Returns: what each throws; nil for one that has trained.
  private func failures(_ make: @escaping @Sendable (_ rank: Int) -> TrainingRun) throws -> [AgreedFailure?] {
    try ThreadCommunicator.run(size: 2) { communicator -> AgreedFailure? in
      do {
        try make(communicator.rank).train(on: communicator, shouldStop: { false })
        return nil
      } catch let failure as AgreedFailure {
        return failure
      }
    }
  }

  private func expectConfigurationError(
    of failures: [AgreedFailure?], location: SourceLocation = #_sourceLocation
  ) -> String {
    #expect(failures[0] != nil && failures[0] == failures[1], sourceLocation: location)
    #expect(failures[0]?.rank == 1, sourceLocation: location)
    #expect(
      failures[0]?.cause.exitCode == UserError.Kind.configuration.exitCode, sourceLocation: location)
    return failures[0]?.description ?? ""
  }

  @Test func ranksWithOtherDataAreNamed() throws {
    let corpora = [try LoaderCorpus(documents: 20, name: "c"), try LoaderCorpus(documents: 20, name: "d")]
    let run = folder.appending("run")
    let message = expectConfigurationError(
      of: try failures { rank in
        TrainingRun(Self.configuration, corpora: [(corpora[rank].corpus.folder.string, 1)], folder: run)
      })
    #expect(message.contains("rank 1") && message.contains("other data"))
    #expect(!message.contains("another configuration"))
    #expect(!DurableFile.exists(FilePath(run)))
  }

  @Test func ranksWithAnotherConfigurationAreNamed() throws {
    let (corpus, run) = (try LoaderCorpus(documents: 20, name: "c"), folder.appending("run"))
    let message = expectConfigurationError(
      of: try failures { rank in
        var configuration = Self.configuration
        configuration.training.clip = Double(1 + rank)
        return TrainingRun(configuration, corpora: [(corpus.corpus.folder.string, 1)], folder: run)
      })
    #expect(message.contains("rank 1") && message.contains("another configuration"))
    #expect(message.contains("training.clip: 1, 2") && !message.contains("other data"))
    #expect(!DurableFile.exists(FilePath(run)))
  }

  /// `auto` on rank 0.
  @Test func ranksThatSayTheSameInOtherWordsTrain() throws {
    let (corpus, run) = (try LoaderCorpus(documents: 20, name: "c"), folder.appending("run"))
    let failures = try failures { rank in
      var configuration = Self.configuration
      if rank == 1 { configuration.model.keyValueHeads = configuration.model.heads }
      return TrainingRun(configuration, corpora: [(corpus.corpus.folder.string, 1)], folder: run)
    }
    #expect(failures == [nil, nil])
  }

  /// Two runs of the same model: "first" has the steps 1 and 2, "second" has the step 1 of it.
  private func initialRuns(_ corpus: LoaderCorpus) throws -> [String] {
    let runs = [folder.appending("first"), folder.appending("second")]
    var configuration = Self.configuration
    configuration.training.steps = 2
    try TrainingRun(configuration, corpora: [(corpus.corpus.folder.string, 1)], folder: runs[0])
      .train(shouldStop: { false })
    try FileManager.default.copyItem(atPath: runs[0], toPath: runs[1])
    try DurableFile.remove(CheckpointStore(run: FilePath(runs[1])).folder(ofStep: 2))
    return runs
  }

  private func parameters(_ run: String) throws -> [Float] {
    try CheckpointReference(parsing: run).open { reader in
      let parameters = FloatBuffer(zeroed: reader.manifest.parameterCount)
      try reader.read(0, [0..<parameters.count], into: parameters)
      return Array(parameters.elements)
    }
  }

  /// Rank 1 already sees a newer checkpoint.
  @Test func allRanksBeginWithTheCheckpointOfRankZero() throws {
    let corpus = try LoaderCorpus(documents: 20, name: "c")
    let runs = try initialRuns(corpus)
    let (together, alone) = (folder.appending("together"), folder.appending("alone"))
    let failures = try failures { rank in
      var run = TrainingRun(
        Self.configuration, corpora: [(corpus.corpus.folder.string, 1)], folder: together)
      run.initialCheckpoint = runs[1 - rank]
      return run
    }
    #expect(failures == [nil, nil])
    var run = TrainingRun(Self.configuration, corpora: [(corpus.corpus.folder.string, 1)], folder: alone)
    run.initialCheckpoint = runs[1]
    try run.train(shouldStop: { false })
    let isSame = try parameters(together) == parameters(alone)
    #expect(isSame)
  }

  @Test func ranksThatSeeAnotherCheckpointAreNamed() throws {
    let corpus = try LoaderCorpus(documents: 20, name: "c")
    let runs = try initialRuns(corpus)
    // The parameters of another seed.
    let (other, output) = (folder.appending("other"), folder.appending("run"))
    var configuration = Self.configuration
    configuration.data.seed = 2
    try TrainingRun(configuration, corpora: [(corpus.corpus.folder.string, 1)], folder: other)
      .train(shouldStop: { false })
    let message = expectConfigurationError(
      of: try failures { rank in
        var run = TrainingRun(
          Self.configuration, corpora: [(corpus.corpus.folder.string, 1)], folder: output)
        run.initialCheckpoint = rank == 0 ? runs[1] : other
        return run
      })
    #expect(message.contains("rank 1 sees another checkpoint of step 1"))
    // Rank 1 does not see the newest yet.
    let missing = try failures { rank in
      var run = TrainingRun(
        Self.configuration, corpora: [(corpus.corpus.folder.string, 1)], folder: other + "-run")
      run.initialCheckpoint = runs[rank]
      return run
    }
    #expect(missing[0] != nil && missing[0] == missing[1])
    #expect(missing[0]?.description.contains("rank 1") == true)
    #expect(missing[0]?.description.contains("no checkpoint of step 2") == true)
  }
}
