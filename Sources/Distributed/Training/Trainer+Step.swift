import Foundation
import HATCore
import HATStorage

extension Trainer {
  /// One optimiser step.
  /// - Returns: whether any rank has been asked to stop.
  public func trainStep(shouldStop: () -> Bool) throws -> Bool {
    let start = ContinuousClock().now
    _ = clock.read()
    try computeGradient()
    try reports.share(wantsStop: shouldStop(), hasWritten: checkpoints.hasWritten)

    let sum = reports.sum
    let norm = try norm(sum)
    let learningRate = schedule.learningRate(atStep: step + 1)
    // Every rank has the same numbers and makes the same decision.
    let isSkipped = !(sum.isFinite && norm.isFinite)
    if !isSkipped {
      try update(gradientScale: gradientScale(sum, norm: norm), learningRate: learningRate)
    }
    step += 1
    skipped.count(isSkipped: isSkipped)
    try record(
      sum, norm: norm, learningRate: learningRate, seconds: (ContinuousClock().now - start) / .seconds(1))
    if isSkipped { try recordSkip(sum, norm: norm) }
    return reports.wantsStop
  }

  private func record(_ sum: LossSum, norm: Double, learningRate: Double, seconds: Double) throws {
    let record = StepRecord(
      step: step, sum: sum, gradientNorm: norm, learningRate: learningRate, flops: reports.flops,
      seconds: seconds, dataWaitSeconds: reports.dataWaitSeconds, skippedSteps: skipped.total,
      checkpointStallSeconds: checkpointStall, epochs: source.epochs, phases: clock.read())
    checkpointStall = 0
    if let folder {
      record.write(to: &line)
      try folder.metrics.append(line)
    }
    observe(.step(record))
  }

  /// The gradient of the step's micro-batches, summed over them and over the ranks.
  private func computeGradient() throws {
    let start = ContinuousClock().now
    let next = Result { try log.record(.data) { try clock.during(.data) { try source.nextStep() } } }
    reports.record(dataWaitSeconds: (ContinuousClock().now - start) / .seconds(1))
    // Failures are shared before the ranks start to wait for each other's gradients.
    var batches = try communicator.together { try next.get() }
    precondition(batches.count == owned.count, "a source gives as many micro-batches as the rank owns")
    // Nothing is copied where there are no pairs.
    if source.hasPreferencePairs {
      for index in batches.indices { references.complete(&batches[index]) }
    }
    try log.record(.computation) {
      try gradients.accumulate(with: parameters) { number, memory in
        let sum = try model.lossAndGradient(batches[number], memory)
        reports.record(sum, flops: model.trainingFLOPs(batches[number]), ofMicroBatch: owned[number])
      }
    }
  }

  /// Updates this rank's share of the parameters and shares the result.
  private func update(gradientScale: Double, learningRate: Double) throws {
    try log.record(.update) {
      clock.during(.update) {
        optimizer.update(
          at: OptimizerStep(step + 1, learningRate: learningRate, gradientScale: gradientScale))
      }
      try parameters.share(changed: gradients.sum.marks)
    }
  }

  /// The norm of the mean gradient, before clipping.
  private func norm(_ sum: LossSum) throws -> Double {
    try log.record(.reduction) {
      try clock.during(.reduction) {
        try gradientNorm.norm(gradients.sum.floats.base) / Double(sum.terms)
      }
    }
  }

  /// Clipping, and division by the global number of target positions, or of preference pairs (docs/model.md §5).
  private func gradientScale(_ sum: LossSum, norm: Double) -> Double {
    let clip = job.configuration.training.clip
    return (norm > clip ? clip / norm : 1) / Double(sum.terms)
  }
}

extension Trainer {
  /// Records a skipped step. Collective, with the same numbers on every rank.
  /// - Throws: `AgreedFailure` after too many skipped steps in a row.
  func recordSkip(_ sum: LossSum, norm: Double) throws {
    let microBatches = reports.microBatchesThatAreNotFinite
    try communicator.onFirstRank {
      let documents = try source.documentsOfLastStep()
      let skip = SkippedStep(
        step: step, loss: sum.loss.isFinite ? sum.loss : nil, gradientNorm: norm.isFinite ? norm : nil,
        microBatches: microBatches, documents: microBatches.flatMap { documents[$0] })
      try folder!.skipped.append(try skip.jsonLine)
      observe(.skipped(skip))
    }
    if skipped.inARow >= SkippedSteps.limitInARow { throw try divergence() }
  }

  /// A checkpoint counts as good once a later step has been computed with its parameters: one written just before the
  /// first skipped step may hold the cause.
  private func divergence() throws -> AgreedFailure {
    let lastApplied = step - skipped.inARow
    // The newest checkpoint may still be being written.
    try checkpoints.finish()
    let good = try communicator.onFirstRank { try store.list() }.last { $0 < lastApplied }
    let error = UserError(
      .configuration, at: job.run.string,
      "loss or gradient of \(skipped.inARow) steps in a row, \(lastApplied + 1) to \(step), was not finite",
      hint: (good.map { "The last good checkpoint is that of step \($0)." } ?? "There is no good checkpoint.")
        + " \(job.run.appending("skipped.jsonl")) names the documents. Lower training.peak_learning_rate or "
        + "training.clip and start a new run.")
    return AgreedFailure(rank: 0, cause: SharedError(error))
  }
}

/// The results of a step's micro-batches, shared with every rank and summed in the order of the micro-batches.
final class MicroBatchReports {
  /// One micro-batch's sums, and the state of its rank.
  struct Report {
    var sum = LossSum()
    var flops = 0.0
    var dataWaitSeconds = 0.0
    var wantsStop = false
    var hasWritten = false
  }

  private let communicator: any Communicator
  private let tree: MicroBatchTree
  private let partition: RankPartition
  private let own: Range<Int>
  /// Rank by rank. [micro-batches]
  private let reports: UnsafeMutableBufferPointer<Report>
  private var ownDataWaitSeconds = 0.0

  init(communicator: any Communicator, tree: MicroBatchTree) {
    self.communicator = communicator
    self.tree = tree
    partition = RankPartition(count: tree.microBatches, ranks: tree.ranks)
    own = partition[communicator.rank]
    reports = .allocate(capacity: tree.microBatches)
    reports.initialize(repeating: Report())
  }

  deinit {
    reports.deallocate()
  }

  func record(_ sum: LossSum, flops: Double, ofMicroBatch index: Int) {
    reports[tree.slot(ofMicroBatch: index)] = Report(sum: sum, flops: flops)
  }

  /// How long this rank waited for the step's data.
  func record(dataWaitSeconds: Double) {
    ownDataWaitSeconds = dataWaitSeconds
  }

  /// Shares this rank's reports with all ranks. Collective.
  /// - Parameters:
  ///   - wantsStop: whether this rank was asked to stop.
  ///   - hasWritten: whether its slice of the pending checkpoint is on disk.
  func share(wantsStop: Bool, hasWritten: Bool) throws {
    for index in own {
      reports[index].dataWaitSeconds = ownDataWaitSeconds
      reports[index].wantsStop = wantsStop
      reports[index].hasWritten = hasWritten
    }
    try communicator.allGatherInPlace(reports.baseAddress!, partition: partition)
  }

  var wantsStop: Bool { reports.contains { $0.wantsStop } }
  var allHaveWritten: Bool { reports.allSatisfy { $0.hasWritten } }
  var flops: Double { inOrder.reduce(0) { $0 + $1.flops } }
  /// The longest wait of any rank: the time the step lost.
  var dataWaitSeconds: Double { reports.reduce(0) { max($0, $1.dataWaitSeconds) } }
  var sum: LossSum { inOrder.reduce(LossSum()) { $0 + $1.sum } }

  /// All of them if every loss is finite: then only the gradient is not.
  var microBatchesThatAreNotFinite: [Int] {
    let found = inOrder.enumerated().filter { !$0.element.sum.isFinite }.map(\.offset)
    return found.isEmpty ? Array(reports.indices) : found
  }

  /// In the order of the micro-batches.
  private var inOrder: some Sequence<Report> {
    (0..<tree.microBatches).lazy.map { [reports, tree] in reports[tree.slot(ofMicroBatch: $0)] }
  }
}

/// Counts the steps that were skipped because their loss or gradient was not finite.
struct SkippedSteps: Equatable {
  /// This many in a row end the run: then the cause is the model, not a document.
  static let limitInARow = 3

  /// Since the start of the run.
  private(set) var total = 0
  /// Ending with the last step.
  private(set) var inARow = 0

  init() {}

  /// - Parameter steps: the skipped steps up to `step`, ascending.
  init(_ steps: [Int], upTo step: Int) {
    total = steps.count
    while inARow < steps.count, steps[steps.count - 1 - inARow] == step - inARow { inARow += 1 }
  }

  mutating func count(isSkipped: Bool) {
    total += isSkipped ? 1 : 0
    inARow = isSkipped ? inARow + 1 : 0
  }
}

/// A skipped step: a line of skipped.jsonl.
public struct SkippedStep: Codable, Sendable, Equatable {
  public var step: Int
  /// Nats per target position. This and the norm are nil where they are not finite.
  public var loss: Double?
  public var gradientNorm: Double?
  /// Those whose loss is not finite; all of them if only the gradient is not.
  public var microBatches: [Int]
  /// The documents in them, named as the data source names them.
  public var documents: [String]

  private enum CodingKeys: String, CodingKey {
    case step, loss
    case gradientNorm = "gradient_norm"
    case microBatches = "micro_batches"
    case documents
  }
}
