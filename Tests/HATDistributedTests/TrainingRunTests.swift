import DistributedTestSupport
import HAT
import HATDistributed
import HATKernels
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

  /// Tables of n-grams are in the front and in the back unit of the model, where most of their rows get no gradient.
  @Test func ngramTablesAreTrainedToTheSameBitsOnAnyRanks() throws {
    let corpus = try LoaderCorpus(documents: 20, name: "c")
    func trained(ranks: Int, nodes: Int = 1, stage: Int, threads: Int = 1) throws -> FloatBuffer {
      var configuration = configuration
      (configuration.model.byteNgrams, configuration.model.byteNgramRows) = (4, 300)
      (configuration.model.prefixNgrams, configuration.model.prefixNgramRows) = (2, 500)
      (configuration.training.steps, configuration.training.zeroStage) = (3, stage)
      (configuration.training.sequencesPerStep, configuration.training.microBatches) = (4, 4)
      let run = folder.appending("ranks-\(ranks)-\(nodes)-\(stage)-\(threads)")
      _ = try ThreadCommunicator.run(size: ranks, nodes: nodes) { [configuration] communicator in
        var training = TrainingRun(configuration, corpora: [(corpus.corpus.folder.string, 1)], folder: run)
        training.threads = threads
        return try training.train(on: communicator, shouldStop: { false })
      }
      return try CheckpointReference(parsing: run).open { reader in
        let parameters = FloatBuffer(zeroed: reader.manifest.parameterCount)
        try reader.read(0, [0..<parameters.count], into: parameters)
        let tables = TensorTable(configuration.model).tensors.filter { $0.role == .ngramTable }
        #expect(tables.allSatisfy { parameters.elements[$0.range].contains { $0 != 0 } })
        return parameters
      }
    }
    let alone = try trained(ranks: 1, stage: 0)
    for (ranks, stage, threads) in [(1, 0, 2), (2, 0, 1), (2, 1, 1), (4, 2, 1), (4, 3, 1)] {
      let other = try trained(ranks: ranks, stage: stage, threads: threads)
      #expect(other.elements.elementsEqual(alone.elements), "\(ranks) ranks, stage \(stage)")
    }
    // Between nodes only touched rows travel.
    for (ranks, nodes, stage) in [(2, 2, 0), (4, 2, 0), (4, 2, 1), (4, 2, 2), (4, 4, 3), (4, 2, 3)] {
      let other = try trained(ranks: ranks, nodes: nodes, stage: stage)
      #expect(other.elements.elementsEqual(alone.elements), "\(ranks) ranks on \(nodes), stage \(stage)")
    }
  }
}

private final class Placements: Sendable {
  private let placements = Mutex<[RankPlacement]>([])

  var all: [RankPlacement] { placements.withLock { $0 } }

  func add(_ ranks: [RankPlacement]) { placements.withLock { $0 += ranks } }
}
