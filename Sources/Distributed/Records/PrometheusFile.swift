import Foundation
import HATCore
import HATStorage
import SystemPackage

/// The state of a run in Prometheus' text format, for the textfile collector of its node_exporter: a file that is replaced every few
/// seconds, on a thread of its own.
final class PrometheusFile {
  private static let interval = Duration.seconds(5)

  private let path: FilePath
  private let run: FilePath
  private let corpora: [String]
  private var state = State()
  private var writing: BackgroundTask<Void>?
  private var written: ContinuousClock.Instant?

  /// - Parameters:
  ///   - path: of the file.
  ///   - corpora: names of the corpora trained on.
  init(_ path: FilePath, run: FilePath, corpora: [String]) {
    (self.path, self.run, self.corpora) = (path, run, corpora)
  }

  /// - Throws: `UserError` of kind `cannotWrite`, where an earlier state could not be written.
  func take(_ event: TrainingEvent) throws {
    state.take(event)
    guard state.start != nil, written.map({ ContinuousClock.now - $0 >= Self.interval }) ?? true,
      writing?.isDone ?? true
    else { return }
    written = .now
    defer { write() }
    try writing?.wait()
  }

  /// Writes the last state, in which the training no longer runs. It waits for the disk.
  /// - Throws: `UserError` of kind `cannotWrite`.
  func end() throws {
    guard state.start != nil else { return }
    try? writing?.wait()
    state.isRunning = false
    write()
    try writing?.wait()
  }

  private func write() {
    let text = PrometheusText(
      labels: [("run", run.string)], metrics: state.metrics(corpora: corpora, at: Date()))
    writing = BackgroundTask { [path, bytes = Array(text.text.utf8)] in try DurableFile.write(bytes, to: path)
    }
  }
}

extension PrometheusFile {
  /// The newest of everything.
  private struct State {
    var start: TrainingStart?
    var isRunning = true
    var record: StepRecord?
    var checkpoint: Int?
    var evaluation: (step: Int, sum: LossSum, corpora: [LossSum])?
    /// Of text trained on since this start.
    var bytes = 0

    mutating func take(_ event: TrainingEvent) {
      switch event {
      case .started(let start): self.start = start
      case .step(let record):
        self.record = record
        bytes += record.targetBytes
      case .evaluated(let step, let sum, let corpora): evaluation = (step, sum, corpora)
      case .checkpointed(let step, _): checkpoint = step
      case .skipped, .sampled, .arranged, .placed, .countingWords, .damaged, .note: break
      }
    }

    func metrics(corpora: [String], at time: Date) -> [PrometheusText.Metric] {
      guard let start else { return [] }
      var metrics: [PrometheusText.Metric] = [
        .init("hat_training_running", "Whether the training runs.", isRunning ? 1 : 0),
        .init(
          "hat_training_written_timestamp_seconds", "When this was written.", time.timeIntervalSince1970),
        .init("hat_training_step", "Steps done.", Double(record?.step ?? start.step)),
        .init("hat_training_steps", "Steps of the whole run.", Double(start.steps)),
        .init("hat_training_ranks", "Ranks it runs on.", Double(start.ranks)),
        .init("hat_training_parameters", "Parameters of the model.", Double(start.parameters)),
        .init(
          "hat_training_text_bytes_total", "Text trained on since this start.", Double(bytes), isCounter: true
        ),
      ]
      if let checkpoint {
        metrics.append(
          .init("hat_training_checkpoint_step", "Step of the newest checkpoint.", Double(checkpoint)))
      }
      if let record { metrics += Self.metrics(record) }
      if let evaluation {
        metrics += Self.metrics(evaluation.sum, of: evaluation.corpora, corpora, evaluation.step)
      }
      return metrics
    }

    private static func metrics(_ record: StepRecord) -> [PrometheusText.Metric] {
      let preferences = record.preferenceAccuracy.map {
        PrometheusText.Metric(
          "hat_training_preference_accuracy", "Share of the last step's pairs preferred as chosen.", $0)
      }
      return [
        .init(
          "hat_training_loss", "Nats per target position, or per preference pair, of the last step.",
          record.loss),
        .init("hat_training_bits_per_byte", "Bits per byte of the last step's text.", record.bitsPerByte),
        .init("hat_training_gradient_norm", "Norm of the gradient, before clipping.", record.gradientNorm),
        .init("hat_training_learning_rate", "Learning rate of the last step.", record.learningRate),
        .init("hat_training_step_seconds", "Duration of the last step.", record.stepSeconds),
        .init("hat_training_bytes_per_second", "Text of the last step a second.", record.bytesPerSecond),
        .init("hat_training_words_per_second", "Words of the last step a second.", record.wordsPerSecond),
        .init(
          "hat_training_model_flops_per_second", "Arithmetic of the last step, by the plain algorithm.",
          record.modelFLOPsPerSecond),
        .init(
          "hat_training_data_wait_seconds", "Time of the last step without data.", record.dataWaitSeconds),
        .init(
          "hat_training_skipped_steps", "Steps not applied since the run began.", Double(record.skippedSteps)),
      ] + (preferences.map { [$0] } ?? [])
    }

    private static func metrics(
      _ sum: LossSum, of corpora: [LossSum], _ names: [String], _ step: Int
    ) -> [PrometheusText.Metric] {
      var metrics: [PrometheusText.Metric] = [
        .init("hat_held_out_step", "Step of the newest evaluation.", Double(step)),
        .init("hat_held_out_bits_per_byte", "Bits per byte of held-out text.", sum.bitsPerByte),
        .init("hat_held_out_word_accuracy", "Share of held-out words predicted.", sum.wordAccuracy),
      ]
      if sum.pairs > 0 {
        metrics.append(
          .init(
            "hat_held_out_preference_accuracy", "Share of held-out pairs preferred as chosen.",
            sum.preferenceAccuracy))
      }
      if corpora.count > 1 {
        var each = PrometheusText.Metric(
          "hat_held_out_corpus_bits_per_byte", "Bits per byte of the held-out text of each corpus.")
        each.values = zip(names, corpora).filter { $1.textBytes > 0 }.map {
          ([("corpus", $0)], $1.bitsPerByte)
        }
        metrics.append(each)
      }
      return metrics
    }
  }
}

/// Prometheus' text format, version 0.0.4.
struct PrometheusText {
  typealias Labels = [(name: String, value: String)]

  struct Metric {
    var name: String
    var help: String
    var isCounter = false
    /// Each with labels of its own.
    var values: [(Labels, Double)]

    init(_ name: String, _ help: String, _ value: Double? = nil, isCounter: Bool = false) {
      (self.name, self.help, self.isCounter) = (name, help, isCounter)
      values = value.map { [([], $0)] } ?? []
    }
  }

  /// Of every value.
  var labels: Labels
  var metrics: [Metric]

  var text: String {
    metrics.map { metric in
      "# HELP \(metric.name) \(metric.help)\n# TYPE \(metric.name) \(metric.isCounter ? "counter" : "gauge")\n"
        + metric.values.map { own, value in
          "\(metric.name){\((labels + own).map { Self.text($0.name, $0.value) }.joined(separator: ","))} \(Self.text(value))\n"
        }.joined()
    }.joined()
  }

  private static func text(_ name: String, _ value: String) -> String {
    let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing(
      "\n", with: "\\n")
    return "\(name)=\"\(escaped)\""
  }

  private static func text(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    return value.isInfinite ? (value > 0 ? "+Inf" : "-Inf") : "\(value)"
  }
}
