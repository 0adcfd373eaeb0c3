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
  let job: TrainingJob
  let model: Model
  let observe: (TrainingEvent) -> Void
  let store: CheckpointStore
  /// On rank 0.
  let folder: RunFolder?

  let tree: MicroBatchTree
  let table: SliceTable
  let schedule: LearningRateSchedule
  /// [parameters], the same on every rank.
  let parameters: FloatBuffer
  let accumulator: GradientAccumulator
  let reducer: GradientReducer
  let gradientNorm: GradientNorm
  let optimizer: ShardedOptimizer
  let reports: MicroBatchReports
  var source: Source
  /// Steps done.
  var step: Int
  var heldOut: HeldOut<Source.MicroBatch>?

  /// Opens the run and brings it to where it goes on.
  /// - Parameters:
  ///   - makeSource: makes a source that goes on at a cursor, or begins, and gives the micro-batches `owned` of
  ///     each step.
  ///   - observe: told on rank 0 what happens.
  /// - Throws: `UserError` or `AgreedFailure`.
  public init(
    communicator: any Communicator, job: TrainingJob, model: Model,
    makeSource: (_ cursor: String?, _ owned: Range<Int>) throws -> Source,
    observe: @escaping (TrainingEvent) -> Void = { _ in }
  ) throws {
    self.communicator = communicator
    self.job = job
    self.model = model
    let isFirst = communicator.rank == 0
    self.observe = { if isFirst { observe($0) } }
    store = CheckpointStore(run: job.run)

    let training = job.configuration.training
    tree = try communicator.together {
      try MicroBatchTree(microBatches: training.microBatches, ranks: communicator.size)
    }
    table = SliceTable(count: model.tensors.last?.range.upperBound ?? 0, ranks: communicator.size)
    schedule = LearningRateSchedule(job.configuration)
    optimizer = try communicator.together { [table] in
      try ShardedOptimizer(
        communicator: communicator, table: table, tensors: model.tensors, zeroStage: training.zeroStage,
        weightDecay: training.weightDecay)
    }
    folder = try communicator.together {
      guard isFirst else { return nil }
      return try RunFolder(job, ranks: communicator.size) { observe(.note($0)) }
    }

    parameters = FloatBuffer(zeroed: table.count)
    accumulator = GradientAccumulator(parameterCount: table.count, tree: tree)
    reducer = GradientReducer(communicator: communicator, table: table)
    gradientNorm = GradientNorm(communicator: communicator, table: table)
    reports = MicroBatchReports(communicator: communicator, tree: tree)

    let restorer = CheckpointRestorer(
      communicator: communicator, store: store, job: job, table: table, parameters: parameters,
      optimizer: optimizer)
    let manifest = try restorer.restoreNewest { isFirst ? observe(.note($0)) : () }
    step = manifest?.step ?? 0
    let owned = tree.owned(byRank: communicator.rank)
    source = try communicator.together { try makeSource(manifest?.cursor, owned) }
    if manifest == nil { try initializeParameters() }
    try communicator.together { [folder, store, step] in
      guard let folder else { return }
      try store.setAside(after: step)
      try folder.metrics.cut(after: step)
      try folder.evaluations.cut(after: step)
    }
  }

  private func initializeParameters() throws {
    model.initialize(
      table.slices[communicator.rank], of: parameters.base, seed: job.configuration.data.seed)
    try communicator.allGatherInPlace(parameters.base, partition: table.slices)
  }

  /// Trains to the last step, or until asked to stop.
  /// - Parameter shouldStop: asked once a step on every rank; one yes stops all.
  /// - Throws: `UserError` or `AgreedFailure`: `configuration` when the loss is no longer finite.
  public func run(shouldStop: () -> Bool = { StopRequest.isPending }) throws -> TrainingOutcome {
    let steps = job.configuration.training.steps
    observe(
      .started(
        TrainingStart(step: step, steps: steps, ranks: communicator.size, parameters: table.count)))
    while step < steps {
      let stops = try trainStep(shouldStop: shouldStop)
      if job.configuration.output.evaluateEvery > 0 && isDue(job.configuration.output.evaluateEvery) {
        try evaluate()
      }
      if stops || isDue(job.configuration.output.checkpointEvery) { try checkpoint() }
      if stops && step < steps { return .stopped(step: step) }
    }
    return .finished(step: step)
  }

  /// Whether something that is done every so many steps, and at the end, is done now.
  private func isDue(_ every: Int) -> Bool {
    step == job.configuration.training.steps || (every > 0 && step % every == 0)
  }
}
