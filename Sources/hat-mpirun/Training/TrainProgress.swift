import Foundation
import Glibc
import HATCore
import HATDistributed

/// What a person watching a training sees, on standard error.
final class TrainProgress {
  private let run: String
  private let line = ProgressLine("training", unit: .items("steps"))
  private var steps = 0
  private var firstStep = 0
  private let corpora: [String]
  /// Of the last step.
  private var epochs: [Double] = []
  private var (seconds, dataWaitSeconds) = (0.0, 0.0)

  /// What a step may wait for data before it is worth a word, as a part of its time.
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
      say("step \(step): checkpoint written in \(Amount.fixed(seconds, 2)) s")
    case .skipped(let skip):
      say(
        "step \(skip.step): loss or gradient is not finite: skipped (\(run)/skipped.jsonl names its documents)"
      )
    case .note(let note): say("note: \(note)")
    }
  }

  func finish(_ outcome: TrainingOutcome) {
    if !epochs.isEmpty { say("data: \(named(epochs) { "\(Amount.fixed($0, 2)) epochs" })") }
    if dataWaitSeconds > Self.noticeableWait * seconds {
      say(
        "waited for data \(Amount.fixed(dataWaitSeconds, 1)) s of \(Amount.fixed(seconds, 1)) s: "
          + "the disk, or other work on these cores, is slower than the training")
    }
    switch outcome {
    case .finished(let step):
      say(step == firstStep ? "\(run) is trained already: step \(step)" : "trained to step \(step): \(run)")
    case .stopped(let step):
      say("stopped at step \(step) with a checkpoint: run the same command again to go on")
    }
  }

  private func show(_ start: TrainingStart) {
    (steps, firstStep) = (start.steps, start.step)
    if start.step == start.steps { return }
    say(
      (start.step == 0 ? "training" : "going on from step \(start.step) with")
        + " \(Amount.grouped(start.parameters)) parameters on \(start.ranks) "
        + (start.ranks == 1 ? "rank" : "ranks") + " into \(run)")
  }

  private func show(_ sum: LossSum, _ corpora: [LossSum], at step: Int) {
    let each = named(corpora) { $0.textBytes > 0 ? Amount.fixed($0.bitsPerByte, 3) : "none" }
    say(
      "step \(step): held-out text \(Amount.fixed(sum.bitsPerByte, 3)) bits per byte, "
        + "\(Amount.fixed(100 * sum.wordAccuracy, 1))% of words right"
        + (corpora.count > 1 ? " (\(each))" : ""))
  }

  /// A value of each corpus, with its name where there are several.
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
      note: "loss \(Amount.fixed(record.loss, 3))  \(Amount.fixed(record.bitsPerByte, 3)) bits/byte  "
        + "norm \(Amount.fixed(record.gradientNorm, 2))  \(Amount.bytes(Int(record.bytesPerSecond)))/s")
  }

  private func say(_ text: String) {
    line.clear()
    Self.say(text)
  }
}

extension TrainProgress {
  /// One line for people.
  static func say(_ text: String) {
    FileHandle.standardError.write(Data("\(text)\n".utf8))
  }
}
