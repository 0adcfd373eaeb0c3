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

  init(_ command: Train) {
    self.command = command
  }

  /// - Returns: the exit code. Whatever goes wrong has been said, once for all ranks.
  func run() -> Int32 {
    StopRequest.listen()
    return RankProgram.run { exitCode(try train(on: $0)) }
  }

  private func exitCode(_ outcome: TrainingOutcome) -> Int32 {
    switch outcome {
    case .finished: 0
    case .stopped: UserError.Kind.stoppedEarly.exitCode
    }
  }

  private func train(on communicator: any Communicator) throws -> TrainingOutcome {
    let (configuration, corpus) = try communicator.together { try open(ranks: communicator.size) }
    let job = TrainingJob(
      run: FilePath(command.output), configuration: configuration, data: DataDescription(corpus),
      resume: command.resume)
    let model = TextModel(configuration, maxWordBytes: corpus.splitter.maximumWordBytes)
    let progress = TrainProgress(run: command.output)
    let trainer = try Trainer(
      communicator: communicator, job: job, model: model,
      makeSource: { try TextMicroBatches(corpus, configuration, cursor: $0) }, observe: progress.show)
    let outcome = try trainer.run()
    if communicator.rank == 0 { progress.finish(outcome) }
    return outcome
  }

  private func open(ranks: Int) throws -> (Configuration, Corpus) {
    if let feature = Processor.missingFeature() {
      throw UserError(
        .configuration, "this processor has no \(feature)", hint: "Train on one with AVX2, FMA and F16C.")
    }
    if let wanted = command.ranks, wanted != ranks {
      throw UserError(
        .wrongUsage, at: "--ranks \(wanted)", "mpirun has started \(ranks) ranks already",
        hint: "Leave --ranks out under mpirun.")
    }
    guard command.data.count == 1 else {
      throw UserError(
        .wrongUsage, at: "--data", "\(command.data.count) corpora cannot be mixed in a run",
        hint: "Preprocess all the text into one corpus.")
    }
    let configuration = try Configuration.load(
      from: FilePath(command.config), overrides: command.overrides)
    return (configuration, try Corpus(opening: FilePath(command.data[0])))
  }
}

extension DataDescription {
  init(_ corpus: Corpus) {
    self.init(
      splittingRule: corpus.splitter.rule.versionedName, maxWordBytes: corpus.splitter.maximumWordBytes,
      fingerprint: corpus.fingerprint.hexadecimal)
  }
}
