import HATStorage
import SystemPackage

/// How far preprocessing has come.
public struct PreprocessProgress: Sendable {
  /// Of the input on the disk: what lies before what is being read. Others may still be at work on some of it.
  public var position: Int
  /// On the disk; nil when standard input is among the input.
  public var total: Int?
  /// Whether this is the pass before, which looks for duplicates.
  public var isLookingForDuplicates: Bool
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
  private let report: (PreprocessProgress) -> Void
  private var lock: FolderLock?
  /// Whether an earlier start has finished a part of the work.
  private var isContinued = false
  /// Units of the whole input. Only the process with standard input sees them all.
  var unitCount = 0

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
    _ = try DocumentFilter(settings.filters, fields: settings.readFields)
    if settings.deduplicate != nil && inputs.contains(where: \.isStandardInput) {
      throw UserError(
        .wrongUsage, at: "`deduplicate`", "the input is read twice, which standard input cannot be",
        hint: "Write it to a file first, or leave `deduplicate` out.")
    }
    if settings.documents != .text, let other = inputs.first(where: { $0.format != .jsonLines }) {
      throw UserError(
        .wrongUsage, at: other.place, "\(settings.documents.rawValue) are read from JSON Lines alone",
        hint: "Name files that end in .jsonl, also with .zst or .gz behind it, or convert this one.")
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
    if let rule = settings.deduplicate {
      try sharing.together { try writeSignatures(rule) }
      try sharing.once { try markDuplicates(rule) }
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
    try manifest.requireShards(in: folder.path)
    try folder.removeScaffolding()
    return manifest
  }

  private func begin() throws {
    try DurableFile.createFolder(folder.path)
    let results = try folder.resultNames()
    isContinued = !results.isEmpty
    if DurableFile.exists(folder.statePath) {
      let state = try JSONFile.read(State.self, from: folder.statePath, hint: CorpusManifest.repair)
      let changes =
        settings.changes(from: state.settings) + plan.changes(from: state.inputs, ignoringTimes: false)
      // Where nothing is done yet nothing can be lost: a run refused for its input may come back mended.
      if !results.isEmpty { try refuse(changes) }
    } else if let other = results.first {
      throw UserError(
        .wrongUsage, at: folder.path.string, "the folder holds other files (\(other))",
        hint: "Choose a new or an empty folder for `output`.")
    }
    try folder.createRecords()
    // Alone until it is tidy: no process of a job that was killed writes to it any more.
    let lock = try FolderLock(folder.lockPath, of: folder.path, work: Self.work)
    try JSONFile.write(State(settings: settings, inputs: plan.inputs), to: folder.statePath)
    try folder.removeLeavings()
    try lock.share()
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
    let records = try folder.unitRecords()
    guard records.count == unitCount else {
      throw UserError(
        .missingInput, at: folder.path.string,
        "there are \(records.count) records of units of work, and \(unitCount) units are done",
        hint: "Check the file system, then run the same command again.")
    }
    let manifest = CorpusManifest(settings: settings, records: records)
    guard manifest.train.counts.documents + manifest.holdout.counts.documents > 0 else {
      try folder.removeScaffolding()
      throw noDocument(manifest.leftOut)
    }
    try requireIntact(manifest)
    try JSONFile.write(plan.inputs, to: folder.inputsPath)
    try JSONFile.write(manifest, to: folder.manifestPath)
    try folder.removeScaffolding()
    return manifest
  }
}

extension Preprocessor {
  private func noDocument(_ leftOut: LeftOutCounts) -> UserError {
    if leftOut.withoutAnswer + leftOut.withoutPreference > 0 {
      return UserError(
        .invalidData, at: plan.inputs.first?.path,
        "there is nothing to learn: in \(leftOut.withoutAnswer) lines there is no answer that counts, and in "
          + "\(leftOut.withoutPreference) the chosen answer is the rejected one (and \(leftOut.filtered) are left out by filters)",
        hint: "Answers are messages of the role assistant without \"weight\": 0.")
    }
    guard leftOut.filtered > 0 else {
      return UserError(
        .invalidData, at: plan.inputs.first?.path, "there is no document in the input",
        hint: "Check the files, and `documentSeparator` where it is used.")
    }
    return UserError(
      .invalidData, at: plan.inputs.first?.path,
      "the filters leave out all documents: \(leftOut.tooShort) are too short, \(leftOut.tooLong) too long, "
        + "\(leftOut.withoutMetadata) lack a field that a filter looks at, \(leftOut.lowLanguageScore) have too low a "
        + "language score, and \(leftOut.unmatched) do not match",
      hint: "Look into the input for the names of fields and their values, or loosen the filters.")
  }

  /// Shards of earlier starts may have been damaged since, and nobody would look at them before they are trained on.
  private func requireIntact(_ manifest: CorpusManifest) throws {
    try manifest.requireShards(in: folder.path)
    guard isContinued else { return }
    for shard in CorpusPart.allCases.flatMap({ manifest.part($0).shards }) {
      try ShardReader(opening: folder.path.appending(shard.name)).requireIntact()
    }
  }
}

// MARK: - Passes over the input

/// Another process has failed, and all stop.
private struct StoppedElsewhere: Error {}

extension Preprocessor {
  /// Does what other processes do at the same time, until one of them fails: then all stop, and that one throws.
  func stoppingTogether(_ work: () throws -> Void) throws {
    do {
      try work()
    } catch is StoppedElsewhere {
    } catch {
      folder.requestStop()
      throw error
    }
  }

  /// Says how far a pass has come.
  func advance(to position: Int, isLookingForDuplicates: Bool = false) throws {
    if folder.isStopRequested { throw StoppedElsewhere() }
    report(
      PreprocessProgress(
        position: position, total: plan.inputBytes, isLookingForDuplicates: isLookingForDuplicates))
  }
}
