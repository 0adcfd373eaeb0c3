import Foundation
import HATCore
@_exported import HATDistributed
import HATKernels
import HATStorage
import HATText
import SystemPackage

/// A training run: a configuration, corpora, and the folder for its results.
///
///     var configuration = Configuration()
///     configuration.training.steps = 3
///     let run = TrainingRun(configuration, corpora: [("corpora/mine", 1)], folder: "runs/new")
///     print(try run.train())
///
/// `train` resumes from the newest valid checkpoint. It trains in one process, or on the ranks of a communicator: then every
/// rank calls it with the same values. The result is the same to the last bit on 1, 2, 4, 8 … ranks that divide the
/// micro-batches (docs/distributed.md).
public struct TrainingRun {
  public var configuration: Configuration
  /// Folders made by preprocessing. The weights are the corpora's shares of the bytes trained on, relative to each other.
  public var corpora: [(folder: String, weight: Double)]
  public var folder: String
  /// What to do if the folder already holds a run.
  public var resume = TrainingJob.Resume.auto
  /// A run, or `RUN@step`, whose parameters and tokenizer a new run starts with; nil for random parameters.
  public var initialCheckpoint: String?
  /// The tokenizer.json of a subword model; nil for the run's own, that of the initial checkpoint, or a newly learned one.
  public var tokenizer: String?
  /// Threads of each rank; nil to divide the cores among the ranks.
  public var threads: Int?

  public init(_ configuration: Configuration, corpora: [(folder: String, weight: Double)], folder: String) {
    (self.configuration, self.corpora, self.folder) = (configuration, corpora, folder)
  }

  /// Trains to the last step, or until asked to stop.
  /// - Parameters:
  ///   - log: records for a watchdog what this rank is doing.
  ///   - shouldStop: called once a step on every rank; if it is true on one rank, all stop after a checkpoint.
  ///   - observe: called on rank 0 with each event.
  /// - Throws: `UserError`, or `AgreedFailure` on the ranks of a communicator. `CommunicationFailure`, and on rank 0 alone `UserError`
  ///   of kind `cannotWrite`: then the other ranks wait, and must be aborted.
  @discardableResult
  public func train(
    on communicator: any Communicator = SoloCommunicator(), log: OperationLog = OperationLog(),
    shouldStop: () -> Bool = { StopRequest.isPending }, observe: @escaping (TrainingEvent) -> Void = { _ in }
  ) throws -> TrainingOutcome {
    let isFirst = communicator.rank == 0
    let mixture = try communicator.together { try open() }
    try requireOneRun(mixture, on: communicator)
    let watchers = try communicator.together {
      isFirst
        ? try RunWatchers(configuration, run: absolute(folder), corpora: names(of: mixture)) {
          observe(.note($0))
        } : nil
    }
    defer { watchers?.end() }
    let observe: (TrainingEvent) -> Void = { event in
      guard isFirst else { return }
      observe(event)
      watchers?.take(event)
    }
    let choice = try communicator.together { try ThreadChoice(wanted: threads, on: communicator) }
    let products = try ArithmeticChoice(configuration, run: FilePath(folder), on: communicator)
    observe(.arranged(choice.reason))
    observe(.arranged(products.reason))
    let tokenizer = try RunTokenizer(self, mixture, log: log, observe: observe).find(on: communicator)
    let initial = try initialParameters(mixture, tokenizer, observe, on: communicator)
    let data = DataDescription(mixture, template: try communicator.together { try initial.template() })
    let job = TrainingJob(
      run: FilePath(folder), configuration: configuration, data: data, resume: resume, tokenizer: tokenizer,
      initial: initial, arithmetic: products.arithmetic)
    try MemoryCheck.requireRoom(
      for: configuration, maxWordBytes: mixture.splitter.maximumWordBytes, threads: choice.threads,
      on: communicator)
    let execution = Execution(
      configuration, maxWordBytes: mixture.splitter.maximumWordBytes, arithmetic: products.arithmetic,
      workers: WorkerPool(threads: choice.threads))
    func train<Model: LanguageModel, Source>(
      _ model: Model, makeSource: (_ cursor: String?, _ owned: [Int]) throws -> Source
    ) throws -> TrainingOutcome where Source: MicroBatchSource, Source.MicroBatch == Model.MicroBatch {
      let trainer = try Trainer(
        communicator: communicator, job: job, model: model, log: log, makeSource: makeSource,
        writeSample: Self.sampleWriter(
          configuration, splitter: mixture.splitter, tokenizer?.vocabulary, threads: choice.threads),
        observe: observe)
      if let placement = try placement(mixture, choice.threads, on: communicator) {
        observe(.placed(placement))
      }
      return try trainer.run(shouldStop: shouldStop)
    }
    if let tokenizer {
      return try train(SubwordTransformer(configuration.model, execution)) {
        try TextMicroBatches(mixture, configuration, cursor: $0, owned: $1, tokenizer.vocabulary)
      }
    }
    return try train(HierarchicalTransformer(configuration.model, execution)) {
      try TextMicroBatches(mixture, configuration, cursor: $0, owned: $1)
    }
  }

  /// The last parts of their paths, where these differ.
  private func names(of mixture: Mixture) -> [String] {
    let folders = mixture.parts.map { absolute($0.corpus.folder.string) }
    let names = folders.map { $0.lastComponent?.string ?? $0.string }
    return Set(names).count == names.count ? names : folders.map(\.string)
  }

  private func open() throws -> Mixture {
    try Processor.require()
    try configuration.validate()
    return try Mixture(
      corpora.map { folder, weight in (try Corpus(opening: FilePath(folder)), weight) })
  }

  /// Checks that every rank has the same configuration and data as rank 0: file systems may show them different files.
  /// - Throws: `AgreedFailure` with the error of the lowest rank that has not.
  private func requireOneRun(_ mixture: Mixture, on communicator: any Communicator) throws {
    let (yaml, fingerprint) = (configuration.yaml(), mixture.fingerprint.hexadecimal)
    let first: [String] = try communicator.onFirstRank { [yaml, fingerprint] }
    try communicator.together {
      var differences: [String] = []
      if yaml != first[0] {
        let settings = try Configuration(yaml: first[0], at: "rank 0").differences(from: configuration)
        // None where one says `auto` and the other what it means.
        if !settings.isEmpty {
          differences.append(
            "another configuration (rank 0, here: \(settings.map(\.text).joined(separator: "; ")))")
        }
      }
      if fingerprint != first[1] {
        differences.append("other data (fingerprint on rank 0 \(first[1]), here \(fingerprint))")
      }
      guard differences.isEmpty else {
        throw UserError(
          .configuration, at: "rank \(communicator.rank)",
          "it has \(differences.joined(separator: ", and ")) than rank 0",
          hint: "Name files that all machines see, or copy those of rank 0's machine to the same paths.")
      }
    }
  }

  /// Rank 0 chooses the checkpoint and verifies it: file systems may show the ranks different ones. Collective.
  /// - Throws: `AgreedFailure`: `missingInput` or `invalidData` if there is no such valid checkpoint; `configuration` if its
  ///   model is different, or a rank sees another checkpoint than rank 0.
  private func initialParameters(
    _ mixture: Mixture, _ tokenizer: TokenizerFile?, _ observe: (TrainingEvent) -> Void,
    on communicator: any Communicator
  ) throws -> InitialParameters {
    guard let name = initialCheckpoint else { return .seed }
    func requireSameModel(_ manifest: CheckpointManifest) throws {
      try manifest.requireSameModel(
        as: configuration, splittingRule: mixture.splitter.rule.versionedName,
        maxWordBytes: mixture.splitter.maximumWordBytes, tokenizerChecksum: tokenizer?.checksum, at: name)
    }
    let reference = try communicator.together { try CheckpointReference(parsing: name) }
    let chosen = try communicator.onFirstRank { () throws -> ChosenCheckpoint in
      try reference.open(damaged: { observe(.damaged($0)) }) { reader in
        try requireSameModel(reader.manifest)
        _ = try reader.weights()
        return ChosenCheckpoint(reader.manifest)
      }
    }
    return try communicator.together { () throws -> InitialParameters in
      let reader: CheckpointReader
      do {
        reader = try CheckpointStore(run: reference.run).reader(at: chosen.step)
      } catch var error as UserError {
        error.place = "rank \(communicator.rank), \(error.place ?? name)"
        throw error
      }
      try requireSameModel(reader.manifest)
      guard ChosenCheckpoint(reader.manifest) == chosen else {
        throw UserError(
          .configuration, at: name,
          "rank \(communicator.rank) sees another checkpoint of step \(chosen.step) than rank 0",
          hint: "Name a run that all machines see, or copy that of rank 0's machine to the same path.")
      }
      return .checkpoint(reader, name: name)
    }
  }

  /// Where the ranks run; nil for a single rank.
  private func placement(
    _ mixture: Mixture, _ threads: Int, on communicator: any Communicator
  ) throws -> [RankPlacement]? {
    guard communicator.size > 1 else { return nil }
    let memory = try RankMemory(
      configuration, ranks: communicator.size, nodes: communicator.nodes.count,
      zeroStage: configuration.training.zeroStage, maxWordBytes: mixture.splitter.maximumWordBytes)
    return try RankPlacement.gather(communicator, threads: threads, memory: memory.total)
  }
}

/// The checkpoint that a run begins with.
private struct ChosenCheckpoint: Codable, Equatable {
  let step: Int
  let checksum: Checksum

  init(_ manifest: CheckpointManifest) {
    (step, checksum) = (manifest.step, manifest.parameterChecksum)
  }
}

extension DataDescription {
  /// - Parameter template: of the model that the run begins with.
  init(_ mixture: Mixture, template: ChatTemplate) {
    self.init(
      splittingRule: mixture.splitter.rule.versionedName, maxWordBytes: mixture.splitter.maximumWordBytes,
      fingerprint: mixture.fingerprint.hexadecimal,
      corpora: mixture.parts.map {
        CorpusDescription(
          // Later commands find the corpora from any folder.
          folder: absolute($0.corpus.folder.string).string, weight: $0.weight,
          fingerprint: $0.corpus.fingerprint.hexadecimal)
      },
      // A model that has learned from dialogues keeps their template when it learns from text again.
      template: mixture.documents == .text ? template : .turns)
  }
}

private func absolute(_ folder: String) -> FilePath {
  FilePath(FileManager.default.currentDirectoryPath).pushing(FilePath(folder)).lexicallyNormalized()
}

/// The tokenizer of a run that trains a subword model.
///
/// A resumed run uses its own. A new run uses the one given, or that of the run whose parameters it starts with, or learns
/// one from the corpora.
private struct RunTokenizer {
  private let training: TrainingRun
  private let mixture: Mixture
  private let log: OperationLog
  private let observe: (TrainingEvent) -> Void

  init(
    _ training: TrainingRun, _ mixture: Mixture, log: OperationLog, observe: @escaping (TrainingEvent) -> Void
  ) {
    (self.training, self.mixture, self.log, self.observe) = (training, mixture, log, observe)
  }

  /// The same on every rank; nil for a hierarchical model. Collective.
  /// - Throws: `UserError` if it cannot be read or learned, or has another size; `AgreedFailure`.
  func find(on communicator: any Communicator) throws -> TokenizerFile? {
    let kind = training.configuration.model.kind
    guard kind == .subword else {
      try communicator.together {
        guard training.tokenizer == nil else {
          throw UserError(
            .wrongUsage, at: "`tokenizer`", "a model of kind \(kind.rawValue) has no tokens",
            hint: "Leave it out, or use a configuration with kind: subword.")
        }
      }
      return nil
    }
    let found = try communicator.onFirstRank { () -> Data? in try known().map { Data($0.content) } }
    let content = try found ?? learn(on: communicator)
    return try communicator.together {
      try TokenizerFile(content: Array(content), at: "the tokenizer of rank 0")
    }
  }

  /// nil if it has to be learned.
  private func known() throws -> TokenizerFile? {
    let vocabulary = training.configuration.model.vocabulary
    let own = TokenizerFile.path(inRun: FilePath(training.folder))
    let initialRun = try training.initialCheckpoint.map { try CheckpointReference(parsing: $0).run }
    let source = training.tokenizer.map { FilePath($0) } ?? initialRun.map(TokenizerFile.path(inRun:))
    if DurableFile.exists(own) {
      let tokenizer = try TokenizerFile(reading: own, tokens: vocabulary)
      if let source { try requireSame(tokenizer, source) }
      return tokenizer
    }
    return try source.map { try TokenizerFile(reading: $0, tokens: vocabulary) }
  }

  private func requireSame(_ tokenizer: TokenizerFile, _ path: FilePath) throws {
    guard try TokenizerFile(reading: path).checksum != tokenizer.checksum else { return }
    throw UserError(
      .configuration, at: path.string, "the run in \(training.folder) has another tokenizer",
      hint: "Leave `tokenizer` out to continue with the run's own, or choose another `output` folder.")
  }

  /// Rank 0 counts the words, and the others wait for it after each shard: all may take as long as the corpora are large, but
  /// no shard may.
  private func learn(on communicator: any Communicator) throws -> Data {
    var counts = WordCounts()
    let total = mixture.parts.reduce(0) { $0 + $1.corpus.counts(.train).bytes }
    var bytes = 0
    for corpus in mixture.parts.map(\.corpus) {
      for shard in corpus.manifest.part(.train).shards.indices {
        log.begin(.start, step: 0)
        try communicator.onFirstRank {
          try corpus.forEachDocument(of: .train, shard: shard) { document in
            counts.add(document.text)
            bytes += document.text.count
            observe(.countingWords(bytes: bytes, of: total))
          }
        }
      }
    }
    log.begin(.start, step: 0)
    return try communicator.onFirstRank { () -> Data in
      let vocabulary = training.configuration.model.vocabulary
      let tokenizer = TokenizerFile(try SubwordVocabulary(learningFrom: counts, count: vocabulary))
      let own = TokenizerFile.path(inRun: FilePath(training.folder))
      observe(
        .arranged("a vocabulary of \(vocabulary) tokens is learned from the corpora and saved as \(own)"))
      return Data(tokenizer.content)
    }
  }
}
