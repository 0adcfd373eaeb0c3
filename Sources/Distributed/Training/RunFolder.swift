import Foundation
import HATCore
import HATKernels
import HATStorage
import HATText
import SystemPackage

/// The folder of a run: its description, its records and its checkpoints (docs/cli.md, "Files of a run"). Only rank 0 uses it.
package final class RunFolder {
  let path: FilePath
  let metrics: JSONLinesFile
  let evaluations: JSONLinesFile
  let skipped: JSONLinesFile
  /// Only where there are samples, or were.
  let samples: JSONLinesFile?
  private let lock: FolderLock
  private let job: TrainingJob
  private let description: RunDescription

  /// Locks the folder of a job, and opens the run in it, or what will be one: until `start` its description stays as it is.
  /// - Throws: `UserError`: `configuration` if the folder holds a different run, or any run where the job says not to
  ///   resume; `cannotWrite`; `invalidData`.
  init(_ job: TrainingJob, ranks: Int, note: (String) -> Void) throws {
    (self.job, path) = (job, job.run)
    try DurableFile.createFolder(path)
    lock = try FolderLock(Self.lockFile(path), of: path, work: "training")
    let there = try RunDescription(ofRun: path)
    try Self.requireWelcome(job, there, note: note)
    try HangFolder(run: path).sweep()
    description = RunDescription(job, ranks: ranks, start: there?.start)
    metrics = try JSONLinesFile(appendingTo: path.appending("metrics.jsonl"))
    evaluations = try JSONLinesFile(appendingTo: path.appending("evaluations.jsonl"))
    skipped = try JSONLinesFile(appendingTo: path.appending("skipped.jsonl"))
    let file = path.appending("samples.jsonl")
    let hasSamples = job.configuration.output.sampleEvery > 0 || DurableFile.exists(file)
    samples = hasSamples ? try JSONLinesFile(appendingTo: file) : nil
  }

  /// Writes the run's description, removes the lines of later steps from all files, and writes down that the run starts. Called
  /// once nothing speaks against the job any more.
  /// - Parameter note: called with a sentence about each file that was damaged.
  func start(after step: Int, ranks: Int, threads: Int, note: (String) -> Void) throws {
    try DurableFile.write(Array(job.configuration.yaml().utf8), to: Self.configurationFile(path))
    try JSONFile.write(description, to: Self.descriptionFile(path))
    if let tokenizer = job.tokenizer {
      try DurableFile.write(tokenizer.content, to: TokenizerFile.path(inRun: path))
    }
    var lost = 0
    for file in lines {
      let (removed, damage) = try file.removeLines(after: step)
      if file === metrics { lost = removed }
      if let damage { note(damage) }
    }
    let starts = try JSONLinesFile(appendingTo: path.appending("starts.jsonl"))
    // The starts of steps that are done again have happened all the same.
    if let damage = try starts.removeLines(after: .max).damage { note(damage) }
    try starts.append(
      RunStart(
        step: step, lostSteps: lost, time: Date().formatted(.iso8601), host: NodeName.current, ranks: ranks,
        threads: threads, codeVersion: CodeVersion.current
      ).jsonLine)
  }

  /// Checks a run that has no checkpoint yet.
  /// - Parameter hasPairs: whether its data are preference pairs.
  /// - Throws: `UserError`: `configuration` if it was started from a checkpoint that the job does not name; `wrongUsage` for pairs
  ///   without such a checkpoint.
  func requireBeginning(hasPairs: Bool) throws {
    guard job.initial.description == nil else { return }
    guard let start = description.start else {
      guard hasPairs else { return }
      throw UserError(
        .wrongUsage, at: "`data`", "preference pairs tune a model that has learned to answer",
        hint: "Give its run as `initialCheckpoint`.")
    }
    throw UserError(
      .configuration, at: path.string,
      "the run starts with the parameters of \(start.checkpoint), and has no checkpoint of its own yet",
      hint: "Add `initialCheckpoint` \(start.checkpoint), or choose another `output` folder.")
  }

  /// The files that grow with the steps.
  var lines: [JSONLinesFile] { [metrics, evaluations, skipped] + (samples.map { [$0] } ?? []) }

  package static func configurationFile(_ run: FilePath) -> FilePath { run.appending("config.yaml") }
  static func lockFile(_ run: FilePath) -> FilePath { run.appending(".lock") }
  static func descriptionFile(_ run: FilePath) -> FilePath { run.appending("run.json") }

  /// Settings that change no result.
  private static func isNeutral(_ setting: String) -> Bool {
    setting == "training.zero_stage" || setting.hasPrefix("output.")
  }

  /// Settings that change results, but may change when a run resumes.
  private static let changeableSettings: Set<String> = ["training.steps", "training.products"]

  private static func requireWelcome(_ job: TrainingJob, _ there: RunDescription?, note: (String) -> Void)
    throws
  {
    let traces = ["config.yaml", "metrics.jsonl", "checkpoints"].map { job.run.appending($0) }
    guard let trace = traces.first(where: isTrace) else { return }
    guard job.resume == .auto else {
      throw UserError(
        .configuration, at: job.run.string,
        "it already holds a run, and `resume` never forbids to continue it",
        hint: "Choose another `output` folder, or leave `resume` out.")
    }
    guard DurableFile.exists(configurationFile(job.run)) else {
      throw UserError(
        .configuration, at: job.run.string, "it holds \(trace.lastComponent!) but no config.yaml",
        hint: "Put back the run's config.yaml, or choose another `output` folder.")
    }
    try CheckpointStore(run: job.run).requireCurrentFormat()
    try requireSameConfiguration(job, note: note)
    guard let there else { return }
    try requireSameStart(there.start, job)
    try requireSameData(there, job)
    noteProducts(there.productsUsed, job, note: note)
  }

  /// Files that are still empty are what a start that was refused, or killed, leaves behind.
  private static func isTrace(_ path: FilePath) -> Bool {
    guard DurableFile.exists(path) else { return false }
    return path.extension != "jsonl" || (try? FileReader(opening: path).length) != 0
  }

  private static func requireSameConfiguration(_ job: TrainingJob, note: (String) -> Void) throws {
    let there = try Configuration.load(from: configurationFile(job.run))
    let differences = there.differences(from: job.configuration)
      .filter { !isNeutral($0.setting) }
    let forbidden = differences.filter { !changeableSettings.contains($0.setting) }
    guard forbidden.isEmpty else {
      throw UserError(
        .configuration, at: job.run.string,
        "it holds a run with a different configuration (there, here): "
          + forbidden.map(\.text).joined(separator: "; "),
        hint: "Choose another `output` folder, or use the run's own config.yaml.")
    }
    for difference in differences where difference.setting == "training.steps" {
      note("\(difference.text) (before, now): the learning rate follows the new schedule from here on")
    }
  }

  private static func requireSameStart(_ there: StartDescription?, _ job: TrainingJob) throws {
    guard let start = job.initial.description, there.map(start.isSame) != true else { return }
    throw UserError(
      .configuration, at: job.run.string,
      "the run did not begin with the parameters of \(start.checkpoint)"
        + (there.map { " but with those of \($0.checkpoint)" } ?? ""),
      hint: "Leave `initialCheckpoint` out to continue the run, or choose another `output` folder.")
  }

  private static func noteProducts(
    _ instructions: ProductInstructions, _ job: TrainingJob, note: (String) -> Void
  ) {
    let before = ProductArithmetic(job.arithmetic.precision, by: instructions)
    guard before?.hasSameBits(as: job.arithmetic) != true else { return }
    note(
      "matrix products: \(instructions.rawValue), \(job.arithmetic.instructions.rawValue) (before, now): "
        + "from here on results differ from those of an unchanged run in their last bits")
  }

  private static func requireSameData(_ there: RunDescription, _ job: TrainingJob) throws {
    guard there.dataFingerprint != job.data.fingerprint else { return }
    let differences = CorpusDescription.differences(there.corpora ?? [], job.data.corpora)
    throw UserError(
      .configuration, at: job.run.string,
      "the run was trained on other data (there, here): "
        + "fingerprint \(there.dataFingerprint), \(job.data.fingerprint)"
        + differences.map { "; \($0)" }.joined(),
      hint: "Use the run's own `data`, in the same order and with the same weights, "
        + "or choose another `output` folder.")
  }
}

/// RUN/run.json: everything a run's results depend on that is not in config.yaml.
struct RunDescription: Codable {
  var codeVersion = CodeVersion.current
  /// XXH3 of the program, at the latest start.
  var programChecksum: Checksum?
  var dataFingerprint: String
  /// nil in runs of versions without mixing.
  var corpora: [CorpusDescription]?
  var splittingRule: String
  var maxWordBytes: Int
  var seed: UInt64
  /// Of a subword model.
  var tokenizerChecksum: Checksum?
  /// nil if the run started with random parameters.
  var start: StartDescription?
  /// What computes matrix products since the latest start; nil in runs of versions that had only `fma`.
  var products: ProductInstructions?
  /// At the latest start. A power of two that divides the micro-batches changes no result.
  var ranks: Int

  /// - Parameter start: what earlier starts recorded: later ones need not name it.
  init(_ job: TrainingJob, ranks: Int, start: StartDescription?) {
    programChecksum = Self.checksumOfProgram
    dataFingerprint = job.data.fingerprint
    corpora = job.data.corpora
    splittingRule = job.data.splittingRule
    maxWordBytes = job.data.maxWordBytes
    seed = job.configuration.data.seed
    tokenizerChecksum = job.tokenizer?.checksum
    self.start = job.initial.description ?? start
    products = job.arithmetic.instructions
    self.ranks = ranks
  }

  /// nil if the run has none.
  /// - Throws: `UserError` of kind `invalidData`.
  init?(ofRun run: FilePath) throws {
    let path = RunFolder.descriptionFile(run)
    guard DurableFile.exists(path) else { return nil }
    self = try JSONFile.read(
      Self.self, from: path,
      hint: "Remove the file: the next start writes a new one, from the data it is given.")
  }

  /// What computed the run's matrix products at its last start.
  var productsUsed: ProductInstructions { products ?? .fusedMultiplyAdds }

  static let checksumOfProgram: Checksum? = {
    guard let program = try? MappedFile(FileReader(opening: "/proc/self/exe")) else { return nil }
    return Checksum(of: program.bytes(at: 0, count: program.length))
  }()
}
