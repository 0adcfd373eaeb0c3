import HATCore
import HATDistributed
import HATTerminal

/// Shows the progress of training on standard error.
final class TrainProgress {
  private let run: String
  private let words = ProgressLine("counting words", unit: .bytes)
  private let line = ProgressLine("training", unit: .items("steps"))
  private var steps = 0
  private var firstStep = 0
  private let corpora: [String]
  /// After the last step.
  private var epochs: [Double] = []
  private var (seconds, dataWaitSeconds) = (0.0, 0.0)

  /// The fraction of time waiting for data above which it is reported.
  private static let noticeableWait = 0.01

  init(run: String, corpora: [String]) {
    (self.run, self.corpora) = (run, corpora)
  }

  func show(_ event: TrainingEvent) {
    switch event {
    case .started(let start): show(start)
    case .step(let record): show(record)
    case .evaluated(let step, let sum, let corpora): show(sum, corpora, at: step)
    case .checkpointed(let step, let seconds):
      Terminal.note("step \(step): checkpoint written in \(Amount.fixed(seconds, 2)) s")
    case .sampled(let step, let sample):
      Terminal.note("step \(step): it writes \(JSONOutput.literal((sample.prompt + sample.text).utf8))")
    case .skipped(let skip):
      Terminal.note(
        "step \(skip.step) skipped: loss or gradient is not finite (\(run)/skipped.jsonl lists its documents)"
      )
    case .arranged(let text): Terminal.note(text)
    case .placed(let ranks): Terminal.note(PlacementTable.text(ranks))
    case .countingWords(let bytes, let total):
      words.update(bytes, of: total)
      if bytes == total { words.clear() }
    case .damaged(let error): Terminal.warning(error)
    case .note(let note): Terminal.note("note: \(note)")
    }
  }

  func finish(_ outcome: TrainingOutcome) {
    if !epochs.isEmpty { Terminal.note("data: \(named(epochs) { "\(Amount.fixed($0, 2)) epochs" })") }
    if dataWaitSeconds > Self.noticeableWait * seconds {
      Terminal.note(
        "waited for data \(Amount.fixed(dataWaitSeconds, 1)) s of \(Amount.fixed(seconds, 1)) s: "
          + "the disk, or other load on these cores, slows training down")
    }
    switch outcome {
    case .finished(let step):
      Terminal.note(
        step == firstStep ? "\(run) is already trained: step \(step)" : "trained to step \(step): \(run)")
    case .stopped(let step):
      Terminal.note("stopped at step \(step) with a checkpoint: run the same command again to continue")
    }
  }

  private func show(_ start: TrainingStart) {
    (steps, firstStep) = (start.steps, start.step)
    if start.step == start.steps { return }
    Terminal.note(
      (start.step == 0 ? "training" : "resuming from step \(start.step) with")
        + " \(Amount.grouped(start.parameters)) parameters on \(Amount.counted(start.ranks, "rank")) into \(run)"
    )
  }

  private func show(_ sum: LossSum, _ corpora: [LossSum], at step: Int) {
    if sum.pairs > 0 {
      return Terminal.note(
        "step \(step): held-out pairs: loss \(Amount.fixed(sum.loss, 3)), "
          + "\(Amount.fixed(100 * sum.preferenceAccuracy, 1))% preferred as chosen")
    }
    let each = named(corpora) { $0.textBytes > 0 ? Amount.fixed($0.bitsPerByte, 3) : "none" }
    Terminal.note(
      "step \(step): held-out text \(Amount.fixed(sum.bitsPerByte, 3)) bits per byte, "
        + "\(Amount.fixed(100 * sum.wordAccuracy, 1))% word accuracy"
        + (corpora.count > 1 ? " (\(each))" : ""))
  }

  /// A value for each corpus, with its name if there are several.
  private func named<Value>(_ values: [Value], _ text: (Value) -> String) -> String {
    if values.count == 1 { return text(values[0]) }
    return zip(corpora, values).map { "\($0) \(text($1))" }.joined(separator: ", ")
  }

  private func show(_ record: StepRecord) {
    epochs = record.epochs
    seconds += record.stepSeconds
    dataWaitSeconds += record.dataWaitSeconds
    line.update(
      record.step, of: steps,
      notes: [
        record.preferenceAccuracy.map { "\(Amount.fixed(100 * $0, 0))% preferred" }
          ?? "\(Amount.fixed(record.bitsPerByte, 3)) bits/byte", "loss \(Amount.fixed(record.loss, 3))",
        "\(Amount.bytes(Int(record.bytesPerSecond)))/s", "norm \(Amount.fixed(record.gradientNorm, 2))",
      ])
  }
}

/// The table of ranks at start-up.
enum PlacementTable {
  /// More ranks than this are shown by node.
  private static let mostRanks = 16

  static func text(_ placements: [RankPlacement]) -> String {
    TextTable.lines(
      [["node", "rank", "cores", "threads", "memory"]]
        + (placements.count > mostRanks ? byNode(placements) : placements.map(row))
    ).joined(separator: "\n")
  }

  private static func row(_ placement: RankPlacement) -> [String] {
    [
      placement.node, "\(placement.rank)", placement.cores, "\(placement.threads)",
      Amount.memory(placement.memory),
    ]
  }

  /// One row for neighbouring ranks of a node, with the sums of their threads and memory.
  private static func byNode(_ placements: [RankPlacement]) -> [[String]] {
    var runs: [[RankPlacement]] = []
    for placement in placements {
      if runs.last?.last?.node == placement.node {
        runs[runs.count - 1].append(placement)
      } else {
        runs.append([placement])
      }
    }
    return runs.map { run in
      let cores = run.map(\.cores)
      return [
        run[0].node, "\(run[0].rank)-\(run.last!.rank)",
        Set(cores).count == 1 ? cores[0] : "\(cores[0]) … \(cores.last!)",
        "\(run.reduce(0) { $0 + $1.threads })", Amount.memory(run.reduce(0) { $0 + $1.memory }),
      ]
    }
  }
}
