import Foundation
import HATCore
import HATStorage
import SystemPackage

/// Shows a run to those who watch it from outside, in the way of TensorBoard and of Prometheus, where its configuration says so.
///
/// A file that cannot be written never stops the training: it is noted once. Only rank 0 has one.
package final class RunWatchers {
  private var tensorBoard: TensorBoardLog?
  private let prometheus: PrometheusFile?
  private let note: (String) -> Void
  private var hasNotedPrometheus = false

  /// - Parameters:
  ///   - corpora: names of the corpora trained on.
  ///   - note: called with what the user should know.
  /// - Throws: `UserError` of kind `cannotWrite` if what should become a file for Prometheus never can.
  package init(
    _ configuration: Configuration, run: FilePath, corpora: [String], note: @escaping (String) -> Void
  ) throws {
    self.note = note
    tensorBoard = configuration.output.tensorBoard ? TensorBoardLog(run: run, corpora: corpora) : nil
    let file = FilePath(configuration.output.prometheus)
    prometheus = file.isEmpty ? nil : PrometheusFile(file, run: run, corpora: corpora)
    if !file.isEmpty { try DurableFile.requireFile(at: file) }
  }

  package func take(_ event: TrainingEvent) {
    do {
      try tensorBoard?.take(event)
    } catch {
      // What was written of a record cannot be taken back.
      tensorBoard = nil
      note("\(Self.text(error)). TensorBoard gets no more of this start; training goes on")
    }
    withPrometheus { try $0.take(event) }
  }

  /// To be called when the training has ended, in whatever way.
  package func end() { withPrometheus { try $0.end() } }

  private func withPrometheus(_ work: (PrometheusFile) throws -> Void) {
    guard let prometheus else { return }
    do {
      try work(prometheus)
    } catch {
      if !hasNotedPrometheus {
        note("\(Self.text(error)). Prometheus gets the next state that can be written; training goes on")
      }
      hasNotedPrometheus = true
    }
  }

  /// Without the hint: nothing needs to be run again.
  private static func text(_ error: any Error) -> String {
    guard let error = error as? UserError else { return "\(error)" }
    return (error.place.map { "\($0): " } ?? "") + error.problem
  }
}

/// The curves and samples of a run, as TensorBoard shows them.
struct TensorBoardLog {
  private let run: FilePath
  private let corpora: [String]
  /// From the start of training on: then no other process writes to the run.
  private var file: TensorBoardFile?

  init(run: FilePath, corpora: [String]) { (self.run, self.corpora) = (run, corpora) }

  /// - Throws: `UserError` of kind `cannotWrite`.
  mutating func take(_ event: TrainingEvent) throws {
    switch event {
    case .started(let start):
      if start.step < start.steps { file = try TensorBoardFile(inRun: run, firstStep: start.step + 1) }
    case .step(let record): try append(record.step, Self.values(record))
    case .skipped(let skip): try append(skip.step, [("faults/skipped_step", .number(1))])
    case .evaluated(let step, let sum, let corpora): try append(step, values(sum, corpora))
    case .checkpointed(let step, let seconds):
      try append(step, [("speed/checkpoint_seconds", .number(seconds))])
    case .sampled(let step, let sample): try append(step, [("sample", .text(Self.markdown(sample)))])
    case .arranged, .placed, .countingWords, .damaged, .note: break
    }
  }

  private typealias Values = [(name: String, TensorBoardFile.Value)]

  private func append(_ step: Int, _ values: Values) throws { try file?.append(step: step, values) }

  private static func values(_ record: StepRecord) -> Values {
    let preferences: Values = [
      ("training/preference_accuracy", record.preferenceAccuracy),
      ("training/preference_reward", record.preferenceReward),
    ].compactMap { name, value in value.map { (name, .number($0)) } }
    return [
      ("training/loss", .number(record.loss)), ("training/bits_per_byte", .number(record.bitsPerByte)),
      ("training/gradient_norm", .number(record.gradientNorm)),
      ("training/learning_rate", .number(record.learningRate)),
      ("speed/step_seconds", .number(record.stepSeconds)),
      ("speed/bytes_per_second", .number(record.bytesPerSecond)),
      ("speed/words_per_second", .number(record.wordsPerSecond)),
      ("speed/model_flops_per_second", .number(record.modelFLOPsPerSecond)),
    ] + preferences
  }

  private func values(_ sum: LossSum, _ corpora: [LossSum]) -> Values {
    var values: Values = [
      ("held_out/loss", .number(sum.loss)), ("held_out/bits_per_byte", .number(sum.bitsPerByte)),
      ("held_out/word_accuracy", .number(sum.wordAccuracy)),
    ]
    if sum.pairs > 0 {
      values.append(("held_out/preference_accuracy", .number(sum.preferenceAccuracy)))
      values.append(("held_out/preference_reward", .number(sum.meanReward)))
    }
    if sum.spelledBytes > 0 { values.append(("held_out/byte_accuracy", .number(sum.byteAccuracy))) }
    guard corpora.count > 1 else { return values }
    for (name, sum) in zip(self.corpora, corpora) where sum.textBytes > 0 {
      values.append(("held_out_of_each/\(name)", .number(sum.bitsPerByte)))
    }
    return values
  }

  /// Set in, so that Markdown changes nothing in it.
  private static func markdown(_ sample: TextSample) -> String {
    (sample.prompt + sample.text).split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)" }
      .joined(separator: "\n")
  }
}
