import HATCore
import HATKernels
import HATStorage

/// Trains a model on the ranks of a communicator, from its run's newest checkpoint to the last step.
///
/// Whatever decides how training goes (a loss that is not finite, a request to stop, a damaged checkpoint) is
/// decided from numbers all ranks share, so that all decide alike.
public final class Trainer<Model: TrainingModel, Source: MicroBatchSource>
where Model.MicroBatch == Source.MicroBatch {
  let communicator: any Communicator
  let log: OperationLog
  let job: TrainingJob
  let model: Model
  let observe: (TrainingEvent) -> Void
  let store: CheckpointStore
  /// On rank 0.
  let folder: RunFolder?

  let sharding: Sharding
  /// This rank's micro-batches of each step, in the order it computes them.
  let owned: [Int]
  let schedule: LearningRateSchedule
  let parameters: ParameterStore
  let gradients: GradientStore
  let gradientNorm: GradientNorm
  let optimizer: ShardedOptimizer
  let reports: MicroBatchReports
  let clock = PhaseClock()
  let checkpoints: CheckpointWriter
  var source: Source
  /// Steps done.
  var step: Int
  var skipped: SkippedSteps
  /// Seconds for which training stood still for checkpoints since the last step.
  var checkpointStall = 0.0
  var heldOut: HeldOut<Source.MicroBatch>?
  /// The line written last; its room is used for the next.
  var line = JSONLine()

  /// Opens the run and brings it to where it goes on.
  /// - Parameters:
  ///   - log: where a watchdog sees what this rank is at.
  ///   - makeSource: makes a source that goes on at a cursor, or begins, and gives the micro-batches `owned` of
  ///     each step.
  ///   - observe: told on rank 0 what happens.
  /// - Throws: `UserError` or `AgreedFailure`.
  public init(
    communicator base: any Communicator, job: TrainingJob, model: Model, log: OperationLog = OperationLog(),
    makeSource: (_ cursor: String?, _ owned: [Int]) throws -> Source,
    observe: @escaping (TrainingEvent) -> Void = { _ in }
  ) throws {
    let communicator = RecordingCommunicator(base, log: log)
    self.communicator = communicator
    self.log = log
    self.job = job
    self.model = model
    let isFirst = communicator.rank == 0
    self.observe = { if isFirst { observe($0) } }
    store = CheckpointStore(run: job.run)

    let training = job.configuration.training
    sharding = try communicator.together {
      try Sharding(
        stage: training.zeroStage, nodes: communicator.nodes,
        units: ModelUnits(count: model.tensors.last?.range.upperBound ?? 0, blocks: model.blocks),
        microBatches: training.microBatches)
    }
    owned = sharding.tree.owned(byRank: communicator.rank)
    schedule = LearningRateSchedule(job.configuration)
    folder = try communicator.together {
      guard isFirst else { return nil }
      return try RunFolder(job, ranks: communicator.size) { observe(.note($0)) }
    }

    parameters = try ParameterStore(communicator: communicator, sharding: sharding, clock: clock)
    gradients = try GradientStore(
      communicator: communicator, sharding: sharding, format: training.gradientExchange, clock: clock)
    gradientNorm = GradientNorm(communicator: communicator, table: sharding.table)
    optimizer = ShardedOptimizer(
      sharding.updatedRanges(ofRank: communicator.rank), of: model.tensors, weightDecay: training.weightDecay)
    reports = MicroBatchReports(communicator: communicator, tree: sharding.tree)
    checkpoints = CheckpointWriter(
      communicator: communicator, store: store,
      slices: sharding.table.numberedSlices(ofRank: communicator.rank),
      keep: job.configuration.output.keep, every: job.configuration.output.checkpointEvery
    ) { observe(.checkpointed(step: $0, seconds: $1)) }

    let restorer = CheckpointRestorer(
      communicator: communicator, store: store, job: job, sharding: sharding, parameters: parameters,
      optimizer: optimizer)
    let manifest = try restorer.restoreNewest { isFirst ? observe(.note($0)) : () }
    step = manifest?.step ?? 0
    source = try communicator.together { [owned] in try makeSource(manifest?.cursor, owned) }
    let skips = try communicator.fromFirstRank { [folder, store, step] () -> [Int] in
      guard let folder else { return [] }
      try store.setAside(after: step)
      for file in folder.lines { try file.cut(after: step) }
      return try folder.skipped.steps()
    }
    skipped = SkippedSteps(skips, upTo: step)
    if manifest == nil { try initializeParameters() }
  }

  private func initializeParameters() throws {
    try communicator.together {
      try folder?.requireStartNamed(by: job)
      try model.initialize(optimizer.ranges, of: parameters.own.base, seed: job.configuration.data.seed)
    }
    try parameters.share()
  }

  /// Trains to the last step, or until asked to stop.
  /// - Parameter shouldStop: asked once a step on every rank; one yes stops all.
  /// - Throws: `UserError` or `AgreedFailure`: `configuration` when the loss is not finite several steps in a row.
  public func run(shouldStop: () -> Bool = { StopRequest.isPending }) throws -> TrainingOutcome {
    let steps = job.configuration.training.steps
    observe(
      .started(
        TrainingStart(step: step, steps: steps, ranks: communicator.size, parameters: sharding.units.count)))
    do {
      let outcome = try train(to: steps, shouldStop: shouldStop)
      log.begin(.checkpoint, step: step)
      try checkpoints.finish()
      log.begin(.end, step: step)
      return outcome
    } catch let failure as AgreedFailure {
      // Every rank is here: the checkpoint under way need not be lost. The failure is what there is to say.
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
      try standingStill { try checkpoints.advance(allHaveWritten: reports.allHaveWritten) }
      let isLast = stops || step == steps
      if isLast || isCheckpointDue { try checkpoint(isLast: isLast) }
      if stops && step < steps { return .stopped(step: step) }
    }
    return .finished(step: step)
  }

  /// Not after a skipped step: what may have gone wrong must not push out the checkpoints from before.
  private var isCheckpointDue: Bool {
    isDue(job.configuration.output.checkpointEvery) && skipped.inARow == 0
  }

  /// Whether something that is done every so many steps, and at the end, is done now.
  private func isDue(_ every: Int) -> Bool {
    step == job.configuration.training.steps || (every > 0 && step % every == 0)
  }
}
