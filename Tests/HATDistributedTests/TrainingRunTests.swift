import DistributedTestSupport
import HAT
import HATDistributed
import Synchronization
import TestSupport
import Testing

/// Training on real text, as the library composes it.
@Suite struct TrainingRunTests {
  private let folder = TemporaryFolder()

  private var configuration: Configuration {
    var configuration = Configuration()
    configuration.model.byteWidth = 16
    configuration.model.byteHeadSize = 8
    configuration.model.width = 32
    configuration.model.headSize = 8
    configuration.model.layers = 1
    configuration.data.sequenceWords = 16
    configuration.data.sequenceBytes = 128
    configuration.training.steps = 1
    configuration.training.sequencesPerStep = 2
    configuration.training.microBatches = 2
    configuration.training.warmupSteps = 0
    return configuration
  }

  /// Each rank has a node, and so all its cores, to itself.
  @Test func everyRankReportsTheThreadsItComputesWith() throws {
    let corpus = try LoaderCorpus(documents: 20, name: "c")
    let placements = Placements()
    let threads = ProcessorCores.available()
    _ = try ThreadCommunicator.run(size: 2, nodes: 2) { [configuration, folder] communicator in
      var run = TrainingRun(
        configuration, corpora: [(corpus.corpus.folder.string, 1)], folder: folder.appending("run"))
      run.threads = threads
      return try run.train(on: communicator, shouldStop: { false }) {
        if case .placed(let ranks) = $0 { placements.add(ranks) }
      }
    }
    #expect(placements.all.map(\.rank) == [0, 1])
    #expect(placements.all.map(\.threads) == [threads, threads])
  }
}

private final class Placements: Sendable {
  private let placements = Mutex<[RankPlacement]>([])

  var all: [RankPlacement] { placements.withLock { $0 } }

  func add(_ ranks: [RankPlacement]) { placements.withLock { $0 += ranks } }
}
