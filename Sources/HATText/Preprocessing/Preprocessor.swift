import HATStorage
import SystemPackage

/// How far preprocessing has come.
public struct PreprocessProgress: Sendable {
  /// Taken from the disk.
  public var bytesRead = 0
  /// On the disk; nil when standard input is among the input.
  public var bytesTotal: Int?
}

/// Makes a corpus folder of text files. A run that was stopped, even by kill -9 or a power cut, is continued by the
/// same call, and ends with the same shards.
public final class Preprocessor {
  public struct Result: Sendable {
    public var manifest: CorpusManifest
    /// Whether there was nothing left to do.
    public var wasFinished: Bool
  }

  /// Settings and inputs of a run that is under way.
  static let stateFileName = "preprocess.json"
  static let inputsFileName = "inputs.json"
  static let recordsFolderName = "units"

  private let settings: PreprocessSettings
  private let folder: FilePath
  private let plan: WorkPlan
  private let report: (PreprocessProgress) -> Void
  private var progress = PreprocessProgress()

  private struct State: Codable {
    var settings: PreprocessSettings
    var inputs: [InputFile]
  }

  /// - Throws: `UserError` of kind `wrongUsage` for impossible settings.
  public init(
    inputs: [InputFile], settings: PreprocessSettings, output folder: FilePath,
    report: @escaping (PreprocessProgress) -> Void = { _ in }
  ) throws {
    try settings.validate()
    self.settings = settings
    self.folder = folder
    self.report = report
    plan = WorkPlan(inputs: inputs, shardBytes: settings.shardBytes)
    if !inputs.contains(where: \.isStandardInput) {
      progress.bytesTotal = inputs.reduce(0) { $0 + $1.bytes }
    }
  }

  /// - Throws: `UserError`: `invalidData`, `missingInput`, `cannotWrite`; `wrongUsage` when the folder holds
  ///   something else, or was made from other input or with other settings.
  public func run() throws -> Result {
    if DurableFile.exists(folder.appending(CorpusManifest.fileName)) {
      let manifest = try CorpusManifest.read(from: folder)
      try requireUnchanged(since: manifest)
      try removeScaffolding()
      return Result(manifest: manifest, wasFinished: true)
    }
    try begin()
    for group in plan.groups.indices { try process(group) }
    return Result(manifest: try finish(), wasFinished: false)
  }

  private func begin() throws {
    try DurableFile.createFolder(folder)
    let statePath = folder.appending(Self.stateFileName)
    let results = try resultNames()
    if DurableFile.exists(statePath) {
      let state = try JSONFile.read(State.self, from: statePath)
      let changes = settings.changes(from: state.settings) + changes(from: state.inputs, ignoringTimes: false)
      // Where nothing is done yet nothing can be lost: a run refused for its input may come back mended.
      if !results.isEmpty { try refuse(changes) }
    } else if let other = results.first {
      throw UserError(
        .wrongUsage, at: folder.string, "the folder holds other files (\(other))",
        hint: "Choose a new or an empty folder for --output.")
    }
    try JSONFile.write(State(settings: settings, inputs: plan.inputs), to: statePath)
    try DurableFile.createFolder(folder.appending(Self.recordsFolderName))
  }

  /// What the folder holds besides the notes of a run that has finished no unit yet.
  private func resultNames() throws -> [String] {
    let recordsFolder = folder.appending(Self.recordsFolderName)
    let records = DurableFile.isFolder(recordsFolder) ? try DurableFile.list(recordsFolder) : []
    let others = try DurableFile.list(folder).filter {
      ![Self.stateFileName, Self.recordsFolderName].contains($0)
    }
    return (others + records).filter { !$0.hasSuffix(DurableFile.partialSuffix) }
  }

  private func finish() throws -> CorpusManifest {
    let manifest = CorpusManifest(settings: settings, records: try records())
    guard manifest.train.counts.documents + manifest.holdout.counts.documents > 0 else {
      try removeScaffolding()
      throw UserError(
        .invalidData, at: plan.inputs.first?.path, "there is no document in the input",
        hint: "Check the files, and --document-separator where it is used.")
    }
    try JSONFile.write(plan.inputs, to: folder.appending(Self.inputsFileName))
    try JSONFile.write(manifest, to: folder.appending(CorpusManifest.fileName))
    try removeScaffolding()
    return manifest
  }

  private func removeScaffolding() throws {
    try DurableFile.remove(folder.appending(Self.recordsFolderName))
    try DurableFile.remove(folder.appending(Self.stateFileName))
    for name in try DurableFile.list(folder) where name.hasSuffix(DurableFile.partialSuffix) {
      try DurableFile.remove(folder.appending(name))
    }
  }
}

// MARK: - Units of work

extension Preprocessor {
  private func recordPath(_ unit: WorkUnit) -> FilePath {
    folder.appending(Self.recordsFolderName).appending(unit.name + ".json")
  }

  private func records() throws -> [UnitRecord] {
    try DurableFile.list(folder.appending(Self.recordsFolderName)).filter { $0.hasSuffix(".json") }
      .map {
        try JSONFile.read(UnitRecord.self, from: folder.appending(Self.recordsFolderName).appending($0))
      }
      .sorted { $0.unit < $1.unit }
  }

  /// Works off what is left of a group.
  private func process(_ group: Int) throws {
    if case .files(let range) = plan.groups[group],
      DurableFile.exists(recordPath(WorkUnit(group: group, slice: 0)))
    {
      return advance(by: plan.inputs[range].reduce(0) { $0 + $1.bytes })
    }
    let tools = try UnitProcessor.Tools(settings)
    var current: UnitProcessor?
    var skipped: WorkUnit?
    try forEachRecord(of: group) { visit in
      if visit.unit == skipped { return }
      if visit.unit != current?.unit {
        try current.map(finish)
        current = nil
        if DurableFile.exists(recordPath(visit.unit)) {
          skipped = visit.unit
          return
        }
        current = UnitProcessor(visit.unit, folder: folder, tools: tools)
      }
      try current!.process(visit.record, of: visit.input)
    }
    try current.map(finish)
  }

  private func finish(_ processor: UnitProcessor) throws {
    try JSONFile.write(try processor.finish(), to: recordPath(processor.unit))
  }

  /// Visits the records of a group and tells how the reading gets on.
  private func forEachRecord(of group: Int, _ body: (WorkPlan.Visit) throws -> Void) throws {
    var reader: RecordReader?
    var reported = 0
    func tell() {
      guard let reader else { return }
      advance(by: reader.bytesConsumed - reported)
      reported = reader.bytesConsumed
    }
    try plan.forEachRecord(ofGroup: group, separator: settings.documentSeparator) { visit, from in
      if reader !== from {
        tell()
        (reader, reported) = (from, 0)
      }
      if from.bytesConsumed != reported { tell() }
      try body(visit)
    }
    tell()
  }

  private func advance(by bytes: Int) {
    progress.bytesRead += bytes
    report(progress)
  }
}

// MARK: - Refusing changes

extension Preprocessor {
  private func requireUnchanged(since manifest: CorpusManifest) throws {
    let old = try JSONFile.read([InputFile].self, from: folder.appending(Self.inputsFileName))
    try refuse(settings.changes(from: manifest.settings) + changes(from: old, ignoringTimes: true))
    let haveNewTimes = zip(old, plan.inputs).contains { $0.modified != $1.modified || $1.isStandardInput }
    if haveNewTimes, try inputsFingerprint() != manifest.inputsFingerprint {
      try refuse(["the content of the input"])
    }
  }

  private func changes(from old: [InputFile], ignoringTimes: Bool) -> [String] {
    let (before, now) = (Set(old.map(\.name)), Set(plan.inputs.map(\.name)))
    var changes = now.subtracting(before).sorted().prefix(3).map { "\($0) is new" }
    changes += before.subtracting(now).sorted().prefix(3).map { "\($0) is gone" }
    guard changes.isEmpty else { return changes }
    guard old.map(\.name) == plan.inputs.map(\.name) else { return ["the order of the input"] }
    for (before, now) in zip(old, plan.inputs) {
      if before.bytes != now.bytes {
        changes.append("\(now.name) had \(before.bytes) bytes and has \(now.bytes)")
      } else if before.modified != now.modified && !ignoringTimes {
        changes.append("\(now.name) was written again")
      }
    }
    return Array(changes.prefix(3))
  }

  private func refuse(_ changes: [String]) throws {
    guard !changes.isEmpty else { return }
    throw UserError(
      .wrongUsage, at: folder.string,
      "this folder was made with other settings or input; changed: \(changes.joined(separator: "; "))",
      hint: "Give the same settings and input to continue, or another folder for --output.")
  }

  private func inputsFingerprint() throws -> Checksum {
    var units: [(WorkUnit, RunningChecksum)] = []
    for group in plan.groups.indices {
      try forEachRecord(of: group) { visit in
        if units.last?.0 != visit.unit { units.append((visit.unit, RunningChecksum())) }
        units.last!.1.update(visit.record)
      }
    }
    return UnitRecord.inputsFingerprint(units.map { ($0, $1.checksum) })
  }
}
