import Foundation
import HATCore
import HATDistributed
import HATKernels
import HATStorage
import HATText
import SystemPackage

/// The work of one rank of `train`, or of the one process there is.
struct TrainRank {
  private let command: Train
  private let log: OperationLog

  init(_ command: Train) {
    self.command = command
    log = OperationLog(stepTimeLimit: command.stepTimeLimit)
  }

  /// - Returns: the exit code. Whatever goes wrong has been said, once for all ranks.
  func run() -> Int32 {
    StopRequest.listen()
    watch()
    return RankProgram.run { exitCode(try train(on: $0)) }
  }

  /// Before the ranks meet: they may not.
  private func watch() {
    let environment = ProcessInfo.processInfo.environment
    func number(_ name: String) -> Int? { environment[name].flatMap(Int.init) }
    Watchdog(
      log: log, run: FilePath(command.output), rank: number("OMPI_COMM_WORLD_RANK") ?? 0,
      ranks: number("OMPI_COMM_WORLD_SIZE") ?? 1,
      isSupervised: environment[Watchdog.supervisedVariable] != nil
    ).start()
  }

  private func exitCode(_ outcome: TrainingOutcome) -> Int32 {
    switch outcome {
    case .finished: 0
    case .stopped: UserError.Kind.stoppedEarly.exitCode
    }
  }

  private func train(on communicator: any Communicator) throws -> TrainingOutcome {
    let (configuration, mixture) = try communicator.together { try open(communicator) }
    let choice = try communicator.together { try ThreadChoice(wanted: command.threads, on: communicator) }
    let products = try ArithmeticChoice(
      configuration.training.products, run: FilePath(command.output), on: communicator)
    if communicator.rank == 0 { [choice.reason, products.reason].forEach(TrainProgress.say) }
    let tokenizer = try tokenizer(for: configuration, mixture, on: communicator)
    let start = try communicator.together {
      try InitialParameters(command.initializeFrom, for: configuration, mixture, tokenizer: tokenizer)
    }
    let job = TrainingJob(
      run: FilePath(command.output), configuration: configuration, data: DataDescription(mixture),
      resume: command.resume, tokenizer: tokenizer, start: start.description(named: command.initializeFrom),
      arithmetic: products.arithmetic)
    if let tokenizer {
      return try train(
        TextModel<SubwordTransformer>(
          configuration, threads: choice.threads, arithmetic: products.arithmetic, start: start),
        job, mixture, on: communicator
      ) { try TextMicroBatches(mixture, configuration, cursor: $0, owned: $1, tokenizer.vocabulary) }
    }
    let model = TextModel<HierarchicalTransformer>(
      configuration, maxWordBytes: mixture.splitter.maximumWordBytes, threads: choice.threads,
      arithmetic: products.arithmetic, start: start)
    return try train(model, job, mixture, on: communicator) {
      try TextMicroBatches(mixture, configuration, cursor: $0, owned: $1)
    }
  }

  /// Of a model of tokens.
  private func tokenizer(
    for configuration: Configuration, _ mixture: Mixture, on communicator: any Communicator
  ) throws -> TokenizerFile? {
    guard configuration.model.kind == .subword else {
      guard command.tokenizer == nil else {
        throw UserError(
          .wrongUsage, at: "--tokenizer",
          "a model of kind \(configuration.model.kind.rawValue) has no tokens",
          hint: "Leave it out, or train a configuration with kind: subword.")
      }
      return nil
    }
    let initial = try communicator.together {
      try command.initializeFrom.map(CheckpointReference.init(parsing:))
    }
    return try RunTokenizer(
      run: FilePath(command.output), named: command.tokenizer, initialRun: initial?.run,
      vocabulary: configuration.model.vocabulary, mixture: mixture
    ).find(on: communicator)
  }

  private func train<Model, Source>(
    _ model: TextModel<Model>, _ job: TrainingJob, _ mixture: Mixture, on communicator: any Communicator,
    makeSource: (_ cursor: String?, _ owned: [Int]) throws -> Source
  ) throws -> TrainingOutcome where Source: MicroBatchSource, Source.MicroBatch == Model.MicroBatch {
    let progress = TrainProgress(run: command.output, corpora: command.data.map(\.folder))
    let trainer = try Trainer(
      communicator: communicator, job: job, model: model, log: log, makeSource: makeSource,
      observe: progress.show)
    try showPlacement(on: communicator, job.configuration, mixture)
    let outcome = try trainer.run()
    if communicator.rank == 0 { progress.finish(outcome) }
    return outcome
  }

  /// Where the ranks are, where there are several.
  private func showPlacement(
    on communicator: any Communicator, _ configuration: Configuration, _ mixture: Mixture
  ) throws {
    guard communicator.size > 1 else { return }
    let memory = try RankMemory(
      configuration, ranks: communicator.size, nodes: communicator.nodes.count,
      zeroStage: configuration.training.zeroStage,
      maxWordBytes: mixture.splitter.maximumWordBytes)
    let placements = try RankPlacement.gather(communicator, threads: 1, memory: memory.total)
    if communicator.rank == 0 { TrainProgress.say(PlacementTable.text(placements)) }
  }

  private func open(_ communicator: any Communicator) throws -> (Configuration, Mixture) {
    if let feature = Processor.missingFeature() {
      throw UserError(
        .configuration, "this processor has no \(feature)", hint: "Train on one with AVX2, FMA and F16C.")
    }
    try RankProgram.require(ranks: command.ranks, of: communicator)
    let configuration = try Configuration.load(
      from: FilePath(command.config), overrides: command.overrides)
    return (configuration, try Mixture(command.data))
  }
}

extension DataDescription {
  init(_ mixture: Mixture) {
    self.init(
      splittingRule: mixture.splitter.rule.versionedName, maxWordBytes: mixture.splitter.maximumWordBytes,
      fingerprint: mixture.fingerprint.hexadecimal,
      corpora: mixture.parts.map {
        CorpusDescription(
          folder: $0.corpus.folder.string, weight: $0.weight, fingerprint: $0.corpus.fingerprint.hexadecimal)
      })
  }
}
