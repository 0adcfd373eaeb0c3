import Foundation
import HATCore
import HATStorage
import HATText
import SystemPackage

/// The folder of a run: what it is (config.yaml, run.json), what it did (metrics.jsonl, evaluations.jsonl,
/// skipped.jsonl), and its checkpoints. Rank 0 alone keeps it.
final class RunFolder {
  let path: FilePath
  let metrics: JSONLinesFile
  let evaluations: JSONLinesFile
  let skipped: JSONLinesFile
  private let lock: RunLock
  private let description: RunDescription

  /// Opens the run of a job, or makes it.
  /// - Throws: `UserError`: `configuration` when the folder holds another run, or `--resume never` forbids this
  ///   one; `cannotWrite`.
  init(_ job: TrainingJob, ranks: Int, note: (String) -> Void) throws {
    path = job.run
    try Self.requireWelcome(job, note: note)
    try DurableFile.createFolder(path)
    lock = try RunLock(path)
    try HangFolder(run: path).sweep()
    try DurableFile.write(Array(job.configuration.yaml().utf8), to: Self.configurationFile(path))
    description = try Self.description(job, ranks: ranks)
    try DurableFile.write(try description.encoded(), to: Self.descriptionFile(path))
    if let tokenizer = job.tokenizer {
      try DurableFile.write(tokenizer.content, to: TokenizerFile.path(inRun: path))
    }
    metrics = try JSONLinesFile(appendingTo: path.appending("metrics.jsonl"))
    evaluations = try JSONLinesFile(appendingTo: path.appending("evaluations.jsonl"))
    skipped = try JSONLinesFile(appendingTo: path.appending("skipped.jsonl"))
  }

  /// Where a run began is known from its first start on, also where the command names it no more.
  private static func description(_ job: TrainingJob, ranks: Int) throws -> RunDescription {
    var description = RunDescription(job, ranks: ranks)
    if job.start == nil, DurableFile.exists(descriptionFile(job.run)) {
      description.start = try RunDescription.read(from: descriptionFile(job.run)).start
    }
    return description
  }

  /// To be asked of a run that has no checkpoint yet.
  /// - Throws: `UserError` of kind `configuration` when it was to begin with another checkpoint's parameters.
  func requireStartNamed(by job: TrainingJob) throws {
    guard let start = description.start, job.start == nil else { return }
    throw UserError(
      .configuration, at: path.string,
      "the run was to begin with the parameters of \(start.checkpoint), and has no checkpoint of its own yet",
      hint: "Add --initialize-from \(start.checkpoint), or choose another --output folder.")
  }

  /// The files that grow with the steps.
  var lines: [JSONLinesFile] { [metrics, evaluations, skipped] }

  private static func configurationFile(_ run: FilePath) -> FilePath { run.appending("config.yaml") }
  static func descriptionFile(_ run: FilePath) -> FilePath { run.appending("run.json") }

  /// Settings that change how a run is carried out, but none of its results.
  private static let neutralSettings: Set<String> = [
    "training.zero_stage", "output.checkpoint_every", "output.keep", "output.evaluate_every",
  ]

  private static func requireWelcome(_ job: TrainingJob, note: (String) -> Void) throws {
    let traces = ["config.yaml", "metrics.jsonl", "checkpoints"].map { job.run.appending($0) }
    guard let trace = traces.first(where: DurableFile.exists) else { return }
    guard job.resume == .auto else {
      throw UserError(
        .configuration, at: job.run.string,
        "there is a run in it already, and --resume never forbids to go on",
        hint: "Choose another --output folder, or leave --resume out.")
    }
    guard DurableFile.exists(configurationFile(job.run)) else {
      throw UserError(
        .configuration, at: job.run.string, "it holds \(trace.lastComponent!) but no config.yaml",
        hint: "Put back the run's config.yaml, or choose another --output folder.")
    }
    try requireSameConfiguration(job, note: note)
    try requireSameData(job)
    try noteProducts(job, note: note)
  }

  private static func requireSameConfiguration(_ job: TrainingJob, note: (String) -> Void) throws {
    let there = try Configuration.load(from: configurationFile(job.run))
    let differences = there.differences(
      from: job.configuration, sections: ["model", "data", "training", "output"])
    let telling = differences.filter { difference in
      !neutralSettings.contains { difference.hasPrefix("\($0): ") }
    }
    func changes(_ setting: String) -> [String] { telling.filter { $0.hasPrefix("\(setting): ") } }
    let allowed = changes("training.steps") + changes("training.products")
    let forbidden = telling.filter { !allowed.contains($0) }
    guard forbidden.isEmpty else {
      throw UserError(
        .configuration, at: job.run.string,
        "it holds a run of another configuration (there, here): \(forbidden.joined(separator: "; "))",
        hint: "Choose another --output folder, or go on with the run's own config.yaml.")
    }
    for difference in changes("training.steps") {
      note("\(difference) (before, now): the learning rate follows the new schedule from here on")
    }
  }

  private static func requireSameStart(_ there: StartDescription?, _ job: TrainingJob) throws {
    guard let start = job.start, there.map(start.isSame) != true else { return }
    throw UserError(
      .configuration, at: job.run.string,
      "the run did not begin with the parameters of \(start.checkpoint)"
        + (there.map { ", but with those of \($0.checkpoint)" } ?? ""),
      hint: "Leave --initialize-from out to go on with the run, or choose another --output folder.")
  }

  private static func noteProducts(_ job: TrainingJob, note: (String) -> Void) throws {
    guard let before = try RunDescription.products(ofRun: job.run), before != job.arithmetic else { return }
    note(
      "matrix products: \(before.rawValue), \(job.arithmetic.rawValue) (before, now): results differ in their last "
        + "bits from what the run would have become")
  }

  private static func requireSameData(_ job: TrainingJob) throws {
    guard DurableFile.exists(descriptionFile(job.run)) else { return }
    let there = try RunDescription.read(from: descriptionFile(job.run))
    try requireSameStart(there.start, job)
    guard there.dataFingerprint != job.data.fingerprint else { return }
    let differences = CorpusDescription.differences(there.corpora ?? [], job.data.corpora)
    throw UserError(
      .configuration, at: job.run.string,
      "the run was trained on other data (there, here): "
        + "fingerprint \(there.dataFingerprint), \(job.data.fingerprint)"
        + differences.map { "; \($0)" }.joined(),
      hint: "Name the run's own --data, in the same order and with the same weights, "
        + "or choose another --output folder.")
  }
}
