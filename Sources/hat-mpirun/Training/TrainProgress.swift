import Foundation
import Glibc
import HATCore
import HATDistributed

/// What a person watching a training sees, on standard error.
final class TrainProgress {
  private let run: String
  private let line = ProgressLine("training", unit: .items("steps"), isTerminal: TrainProgress.isTerminal)
  private var steps = 0
  private var firstStep = 0

  init(run: String) {
    self.run = run
  }

  func show(_ event: TrainingEvent) {
    switch event {
    case .started(let start): show(start)
    case .step(let record): show(record)
    case .evaluated(let step, let sum):
      say(
        "step \(step): held-out text \(Amount.fixed(sum.bitsPerByte, 3)) bits per byte, "
          + "\(Amount.fixed(100 * sum.wordAccuracy, 1))% of words right")
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

  private func show(_ record: StepRecord) {
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
  private static let variable = "HAT_PROGRESS"

  /// Ranks write to a pipe of `mpirun`: whoever starts them knows whether a terminal is at its end.
  private static var isTerminal: Bool {
    isatty(STDERR_FILENO) == 1 || ProcessInfo.processInfo.environment[variable] == "terminal"
  }

  /// What tells the ranks.
  static var environment: [(name: String, value: String)] {
    isTerminal ? [(variable, "terminal")] : []
  }

  /// One line for people.
  static func say(_ text: String) {
    FileHandle.standardError.write(Data("\(text)\n".utf8))
  }
}
