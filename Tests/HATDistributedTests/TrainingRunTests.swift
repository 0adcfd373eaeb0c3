import DistributedTestSupport
import HAT
import HATKernels
import HATText
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import HATCore
@testable import HATDistributed

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

  /// However large the corpora are, no part of them is a hang.
  @Test func eachShardWhoseWordsAreCountedBeginsTheStartAnew() throws {
    let corpora = try ["a", "b"].map { try LoaderCorpus(documents: 20, name: $0) }
    var configuration = configuration
    (configuration.model.kind, configuration.model.vocabulary) = (.subword, 280)
    let run = TrainingRun(
      configuration, corpora: corpora.map { ($0.corpus.folder.string, 1) }, folder: folder.appending("run"))
    let log = OperationLog()
    var (starts, counted, total) = (Set<UInt64>(), 0, 0)
    _ = try withExtendedLifetime(corpora) {
      try run.train(
        log: log, shouldStop: { true },
        observe: { event in
          guard case .countingWords(let bytes, let all) = event else { return }
          #expect(log.moment().activity == .start && bytes > counted)
          starts.insert(log.activityMark)
          (counted, total) = (bytes, all)
        })
    }
    #expect(starts.count == 2 && counted == total && total > 0)
  }

  /// Also where it is continued by one who does not name what it began with.
  @Test func aRunThatBeginsWithATunedModelKeepsItsTemplate() throws {
    let corpus = try LoaderCorpus(documents: 20, name: "c")
    let (first, second) = (folder.appending("first"), folder.appending("second"))
    func run(_ path: String, steps: Int) -> TrainingRun {
      var configuration = configuration
      configuration.training.steps = steps
      (configuration.output.sampleEvery, configuration.output.sampleBytes) = (1, 40)
      configuration.output.samplePrompt = "What is größer"
      return TrainingRun(configuration, corpora: [(corpus.corpus.folder.string, 1)], folder: path)
    }
    try run(first, steps: 1).train(shouldStop: { false })
    let question = [DialogueMessage(.user, "What is größer")]
    let error = #expect(throws: UserError.self) { try LoadedModel(first).answer(to: question, bytes: 10) }
    #expect(error?.kind == .configuration)

    let store = CheckpointStore(run: FilePath(first))
    var manifest = try store.reader(at: 1).manifest
    #expect(manifest.template == nil)
    manifest.template = ChatTemplate.turns.record
    try DurableFile.write(
      ManifestFile.encoded(manifest), to: store.folder(ofStep: 1).appending(ManifestFile.name))
    var tuned = run(second, steps: 2)
    tuned.initialCheckpoint = first
    #expect(try tuned.train(shouldStop: { true }) == .stopped(step: 1))
    nonisolated(unsafe) var samples: [String] = []
    try run(second, steps: 2).train(
      shouldStop: { false },
      observe: { if case .sampled(_, let sample) = $0 { samples.append(sample.text) } })
    let model = try LoadedModel(second)
    #expect(model.manifest.step == 2 && model.template == .turns)
    #expect(samples == [try model.answer(to: question, bytes: 40)])
    #expect(samples[0] != (try model.continuation(of: question[0].content, bytes: 40)))
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
