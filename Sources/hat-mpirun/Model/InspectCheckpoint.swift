import ArgumentParser
import HATCore
import HATStorage
import HATTerminal

struct InspectCheckpoint: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint", abstract: "Show a run's checkpoints and verify every byte of them.")

  @Argument(help: ArgumentHelp("The run, or RUN@step for one of its checkpoints.", valueName: "RUN[@step]"))
  var reference: String

  @Flag(help: "Print one JSON object for each checkpoint.")
  var json = false

  func run() throws {
    let reference = try CheckpointReference(parsing: reference)
    let store = CheckpointStore(run: reference.run)
    let steps = try reference.step.map { [$0] } ?? store.list()
    guard !steps.isEmpty else {
      throw UserError(
        .missingInput, at: reference.run.string, "there is no checkpoint here",
        hint: "Give the --output folder of a training run that has reached its first checkpoint.")
    }
    let records = try steps.map { try Record(step: $0, store: store) }
    for record in records { try json ? JSONOutput.print(record) : record.show() }
    if let damage = records.compactMap(\.damage).first {
      throw UserError(
        .invalidData, at: reference.run.string, "at least one checkpoint is damaged: \(damage)",
        hint: "Training resumes from the newest valid one.")
    }
  }
}

/// The report on one checkpoint.
private struct Record: Encodable {
  var step: Int
  var valid = false
  var damage: String?
  var parameters: Int?
  var modules: [String: Int]?
  var splittingRule: String?
  var maxWordBytes: Int?
  /// Of dialogues; nil where the model has learned from none.
  var template: String?
  var codeVersion: String?
  var dataFingerprint: String?
  var slices: Int?
  var bytes: Int?
  var configuration: String?

  /// - Throws: `UserError` of kind `configuration` when another version of hat wrote it: that is no damage.
  init(step: Int, store: CheckpointStore) throws {
    self.step = step
    do {
      let reader = try store.reader(at: step)
      describe(reader.manifest, try reader.table())
      try reader.verify()
      valid = true
    } catch let error as UserError where error.kind == .configuration {
      throw error
    } catch {
      damage = "\(error)"
    }
  }

  private mutating func describe(_ manifest: CheckpointManifest, _ table: TensorTable) {
    parameters = manifest.parameterCount
    modules = Dictionary(uniqueKeysWithValues: ModuleParameters.all(of: table).map { ($0.name, $0.count) })
    splittingRule = manifest.splittingRule
    maxWordBytes = manifest.maxWordBytes
    template = manifest.template
    codeVersion = manifest.codeVersion
    dataFingerprint = manifest.dataFingerprint
    slices = manifest.slices.count
    bytes = manifest.slices.reduce(0) { $0 + $1.length }
    configuration = manifest.configuration.yaml()
  }

  func show() {
    print("step \(step): \(valid ? "valid" : "damaged")")
    if let damage { print("  \(damage)") }
    guard let parameters, let slices, let bytes else { return }
    let dialogues = template.map { [["dialogues", $0]] } ?? []
    TextTable.show(
      [
        ["parameters", Amount.large(Double(parameters))],
        ["slices", "\(slices)"],
        ["size", Amount.memory(bytes)],
        ["splitting rule", "\(splittingRule ?? "") (words of at most \(maxWordBytes ?? 0) bytes)"],
      ] + dialogues + [
        ["code version", codeVersion ?? ""],
        ["data fingerprint", dataFingerprint ?? ""],
      ])
  }
}
