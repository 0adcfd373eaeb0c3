import Glibc
import HATCore
import HATStorage

/// Trains a model on the ranks of a communicator, from its run's newest checkpoint to the last step.
///
/// Every decision (a loss that is not finite, a request to stop, a damaged checkpoint) is made from numbers that all
/// ranks share, so that all ranks decide the same.
public final class Trainer<Model: LanguageModel, Source: MicroBatchSource>
where Model.MicroBatch == Source.MicroBatch {
  let communicator: any Communicator
  let log: OperationLog
  let job: TrainingJob
  let model: Model
  let observe: (TrainingEvent) -> Void
  /// nil where no samples are written; the same on all ranks.
  let writeSample: SampleWriter?
  let store: CheckpointStore
  /// Only on rank 0.
  let folder: RunFolder?

  let sharding: Sharding
  /// The indices of this rank's micro-batches of each step, in the order it computes them.
  let owned: [Int]
  let schedule: LearningRateSchedule
  let parameters: ParameterStore
  let gradients: GradientStore
  let gradientNorm: GradientNorm
  let optimizer: ShardedOptimizer
  let reports: MicroBatchReports
  let clock = PhaseClock()
  let checkpoints: CheckpointWriter
  /// What a checkpoint holds.
  let sections: [StateSection]
  /// How the model has read dialogues, if it has.
  let template: ChatTemplate
  var source: Source
  /// Set once the parameters are those that tuning begins with, or later ones.
  var references = ReferenceMargins()
  /// Steps done.
  var step: Int
  var skipped: SkippedSteps
  /// Seconds training has waited for checkpoints since the last step.
  var checkpointStall = 0.0
  var heldOut: HeldOut<Source.MicroBatch>?
  /// Reused for every line of metrics.
  var line = JSONLine()

  /// Opens the run and restores it to where it resumes.
  /// - Parameters:
  ///   - log: records for a watchdog what this rank is doing.
  ///   - makeSource: makes a source of the micro-batches `owned` of each step. It continues at the cursor, or starts at
  ///     the beginning if there is none.
  ///   - writeSample: called on rank 0 at the steps of `output.sample_every`; nil on all ranks for no samples.
  ///   - observe: called on rank 0 with each event.
  /// - Throws: `UserError`, `AgreedFailure` or `CommunicationFailure`.
  public init(
    communicator base: any Communicator, job: TrainingJob, model: Model, log: OperationLog = OperationLog(),
    makeSource: (_ cursor: String?, _ owned: [Int]) throws -> Source, writeSample: SampleWriter? = nil,
    observe: @escaping (TrainingEvent) -> Void = { _ in }
  ) throws {
    let communicator = RecordingCommunicator(base, log: log)
    self.communicator = communicator
    self.log = log
    self.job = job
    self.model = model
    let isFirst = communicator.rank == 0
    self.observe = { if isFirst { observe($0) } }
    self.writeSample = writeSample
    store = CheckpointStore(run: job.run)

    let training = job.configuration.training
    sharding = try communicator.together {
      try Sharding(
        stage: training.zeroStage, nodes: communicator.nodes, model.table, training.optimizerRule,
        microBatches: training.microBatches)
    }
    owned = sharding.tree.owned(byRank: communicator.rank)
    schedule = LearningRateSchedule(job.configuration)
    var folder: RunFolder?
    try communicator.onFirstRank {
      folder = try RunFolder(job, ranks: communicator.size) { observe(.note($0)) }
    }
    self.folder = folder

    parameters = try ParameterStore(communicator: communicator, sharding: sharding, clock: clock)
    gradients = try GradientStore(
      communicator: communicator, sharding: sharding, format: training.gradientExchange, clock: clock)
    gradientNorm = GradientNorm(
      communicator: communicator, table: sharding.table, marks: gradients.sum.marks, workers: model.workers)
    optimizer = ShardedOptimizer(
      training.optimizerRule, model.table, sharding.updatedRanges(ofRank: communicator.rank),
      parameters: parameters.own, gradient: gradients.sum.floats, marks: gradients.sum.marks,
      workers: model.workers,
      arithmetic: model.arithmetic.ofUpdates)
    let sections = [StateBuffer(.parameters(model.table), parameters.own)] + optimizer.state
    self.sections = sections.map(\.section)
    reports = MicroBatchReports(communicator: communicator, tree: sharding.tree)
    checkpoints = CheckpointWriter(
      communicator: communicator, store: store,
      slice: (
        sharding.table.number(ofRank: communicator.rank), sharding.table.slices(ofRank: communicator.rank)
      ), sections: sections, keep: job.configuration.output.keep,
      every: job.configuration.output.checkpointEvery
    ) { observe(.checkpointed(step: $0, seconds: $1)) }

    let restorer = CheckpointRestorer(
      communicator: communicator, log: log, store: store, job: job, parameters: parameters,
      ranges: optimizer.ranges, sections: sections)
    let manifest = try restorer.restoreNewest { isFirst ? observe(.note($0)) : () }
    step = manifest?.step ?? 0
    // One who continues a run need not name what it began with: its checkpoint knows.
    template =
      try manifest.map { try ChatTemplate(record: $0.template, at: job.run.string) } ?? job.data.template
    source = try communicator.together { [owned] in try makeSource(manifest?.cursor, owned) }
    let isNew = manifest == nil
    let skips = try communicator.onFirstRank { [source, store, step] () -> [Int] in
      if isNew { try folder!.requireBeginning(hasPairs: source.hasPreferencePairs) }
      try store.setAside(after: step)
      try folder!.start(after: step, ranks: communicator.size, threads: model.workers.threads) {
        observe(.note($0))
      }
      return try folder!.skipped.steps()
    }
    skipped = SkippedSteps(skips, upTo: step)
    if isNew { try initializeParameters() }
    references = try referenceMargins()
  }

  deinit {
    // The folder's lock goes next, and a thread must not write into a run that another process has taken over.
    checkpoints.waitForThread()
  }

  private func initializeParameters() throws {
    try communicator.together {
      try job.initial.fill(
        optimizer.ranges, of: parameters.own, model.table, seed: job.configuration.data.seed,
        workers: model.workers)
    }
    try parameters.share()
  }

  /// Trains to the last step, or until asked to stop.
  /// - Parameter shouldStop: called once a step on every rank; if it is true on one rank, all stop.
  /// - Throws: `AgreedFailure`: `configuration` if loss or gradient are not finite several steps in a row. `CommunicationFailure`,
  ///   and on rank 0 alone `UserError` of kind `cannotWrite`: then the other ranks wait, and must be aborted.
  public func run(shouldStop: () -> Bool = { StopRequest.isPending }) throws -> TrainingOutcome {
    let steps = job.configuration.training.steps
    observe(
      .started(
        TrainingStart(step: step, steps: steps, ranks: communicator.size, parameters: model.table.count)))
    do {
      let outcome = try train(to: steps, shouldStop: shouldStop)
      log.begin(.writing, step: step)
      try checkpoints.finish()
      log.begin(.end, step: step)
      return outcome
    } catch let failure as AgreedFailure {
      // Every rank gets here, so the pending checkpoint can be finished. The first failure is the one to report.
      log.begin(.writing, step: step)
      try? checkpoints.finish()
      throw failure
    }
  }

  private func train(to steps: Int, shouldStop: () -> Bool) throws -> TrainingOutcome {
    while step < steps {
      log.begin(.step, step: step + 1)
      let stops = try trainStep(shouldStop: shouldStop)
      if job.configuration.output.evaluateEvery > 0 && isDue(job.configuration.output.evaluateEvery) {
        try evaluate()
      }
      if let writeSample, isDue(job.configuration.output.sampleEvery) { try sample(by: writeSample) }
      try standingStill { try checkpoints.advance(allHaveWritten: reports.allHaveWritten) }
      let isLast = stops || step == steps
      if isLast || isCheckpointDue { try checkpoint(isLast: isLast) }
      if stops && step < steps { return .stopped(step: step) }
    }
    return .finished(step: step)
  }

  /// Not after a skipped step: a checkpoint that may be bad must not replace older ones.
  private var isCheckpointDue: Bool {
    isDue(job.configuration.output.checkpointEvery) && skipped.inARow == 0
  }

  /// Whether something that happens every `every` steps, and at the end, happens now.
  private func isDue(_ every: Int) -> Bool {
    step == job.configuration.training.steps || (every > 0 && step % every == 0)
  }
}

/// Whether a signal has asked this process to finish its step, write a checkpoint and stop: SIGTERM, SIGUSR1, SIGINT or SIGHUP.
public enum StopRequest {
  // Written only by the signal handler, in one instruction.
  nonisolated(unsafe) private static var isRaised: Int32 = 0

  /// Handles the signals from now on. A second SIGINT ends the process at once: Ctrl-C must not be lost on one that hangs.
  public static func listen() {
    StopSignals.handle { number in
      StopRequest.isRaised = 1
      if number == SIGINT { signal(SIGINT, SIG_DFL) }
    }
  }

  public static var isPending: Bool { isRaised != 0 }
}
