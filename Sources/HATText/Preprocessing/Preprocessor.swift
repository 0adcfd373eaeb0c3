import HATStorage
import SystemPackage

/// How far preprocessing has come.
public struct PreprocessProgress: Sendable {
  /// Of the input on the disk: what lies before what is being read. Others may still be at work on some of it.
  public var position = 0
  /// On the disk; nil when standard input is among the input.
  public var total: Int?
  /// Whether this is the pass before, which looks for duplicates.
  public var isLookingForDuplicates = false
}

/// Makes a corpus folder of text files. A run that was stopped, even by kill -9 or a power cut, is continued by the
/// same call, and ends with the same shards; so does one shared by any number of processes.
public final class Preprocessor {
  public struct Result: Sendable {
    public var manifest: CorpusManifest
    /// Whether there was nothing left to do.
    public var wasFinished: Bool
  }

  let settings: PreprocessSettings
  let folder: WorkFolder
  let plan: WorkPlan
  let report: (PreprocessProgress) -> Void
  private var lock: FolderLock?

  struct State: Codable {
    var settings: PreprocessSettings
    var inputs: [InputFile]
  }

  /// - Throws: `UserError` of kind `wrongUsage` for impossible settings.
  public init(
    inputs: [InputFile], settings: PreprocessSettings, output folder: FilePath,
    report: @escaping (PreprocessProgress) -> Void = { _ in }
  ) throws {
    try settings.validate()
    if settings.deduplicate && inputs.contains(where: \.isStandardInput) {
      throw UserError(
        .wrongUsage, at: "--deduplicate", "the input is read twice, which standard input cannot be",
        hint: "Write it to a file first, or leave --deduplicate out.")
    }
    self.settings = settings
    self.folder = WorkFolder(folder)
    self.report = report
    plan = WorkPlan(inputs: inputs, settings: settings)
  }

  /// - Parameter sharing: how this process works together with others that make the same call.
  /// - Throws: `UserError`: `invalidData`, `missingInput`, `cannotWrite`; `wrongUsage` when the folder holds
  ///   something else, or was made from other input or with other settings. What `sharing` makes of it where there are
  ///   others.
  public func run(sharing: some WorkSharing = WorkingAlone()) throws -> Result {
    try requireSameInput(sharing)
    if let manifest = try sharing.once(finishedManifest) {
      return Result(manifest: manifest, wasFinished: true)
    }
    try sharing.once(begin)
    try sharing.together(join)
    if settings.deduplicate {
      try sharing.together { try hashDocuments() }
      try sharing.once(markDuplicates)
    }
    try sharing.together { try writeShards(hasStandardInput: sharing.hasStandardInput) }
    return Result(manifest: try sharing.once(finish), wasFinished: false)
  }

  private func requireSameInput(_ sharing: some WorkSharing) throws {
    let first = try sharing.once { plan.inputs }
    try sharing.together {
      let changes = plan.changes(from: first, ignoringTimes: true)
      guard changes.isEmpty else {
        throw UserError(
          .missingInput, at: plan.inputs.first?.path,
          "two machines see different input: \(changes.joined(separator: "; "))",
          hint: "Put the input where every machine sees it under the same name.")
      }
    }
  }

  private func finishedManifest() throws -> CorpusManifest? {
    guard DurableFile.exists(folder.manifestPath) else { return nil }
    let manifest = try CorpusManifest.read(from: folder.path)
    try requireUnchanged(since: manifest)
    try folder.removeScaffolding()
    return manifest
  }

  private func begin() throws {
    try DurableFile.createFolder(folder.path)
    let results = try folder.resultNames()
    if DurableFile.exists(folder.statePath) {
      let state = try JSONFile.read(State.self, from: folder.statePath)
      let changes =
        settings.changes(from: state.settings) + plan.changes(from: state.inputs, ignoringTimes: false)
      // Where nothing is done yet nothing can be lost: a run refused for its input may come back mended.
      if !results.isEmpty { try refuse(changes) }
    } else if let other = results.first {
      throw UserError(
        .wrongUsage, at: folder.path.string, "the folder holds other files (\(other))",
        hint: "Choose a new or an empty folder for --output.")
    }
    try folder.createRecords()
    // Alone until it is tidy: no process of a job that was killed writes to it any more.
    let lock = try FolderLock(folder.lockPath, of: folder.path, work: Self.work)
    try JSONFile.write(State(settings: settings, inputs: plan.inputs), to: folder.statePath)
    try folder.removeLeavings()
    lock.share()
    self.lock = lock
  }

  private static let work = "preprocessing"

  /// Has the lock too where another process has begun.
  private func join() throws {
    if lock == nil {
      lock = try FolderLock(folder.lockPath, of: folder.path, work: Self.work, isShared: true)
    }
  }

  private func finish() throws -> CorpusManifest {
    let manifest = CorpusManifest(settings: settings, records: try folder.unitRecords())
    guard manifest.train.counts.documents + manifest.holdout.counts.documents > 0 else {
      try folder.removeScaffolding()
      throw UserError(
        .invalidData, at: plan.inputs.first?.path, "there is no document in the input",
        hint: "Check the files, and --document-separator where it is used.")
    }
    try JSONFile.write(plan.inputs, to: folder.inputsPath)
    try JSONFile.write(manifest, to: folder.manifestPath)
    try folder.removeScaffolding()
    return manifest
  }
}
