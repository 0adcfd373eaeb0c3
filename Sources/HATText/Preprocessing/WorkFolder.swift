import Glibc
import HATStorage
import SystemPackage

/// The folder a corpus is made in, and what lies there only until it is finished.
///
/// All processes that work on it see the same folder, which is all that they need to share the work: a unit belongs to
/// whoever can create the file that claims it.
struct WorkFolder {
  /// Settings and inputs of a run that is under way.
  static let stateFileName = "preprocess.json"
  static let inputsFileName = "inputs.json"
  static let recordsFolderName = "units"

  enum Pass: String {
    case signatures
    case shards
  }

  let path: FilePath
  private var records: FilePath { path.appending(Self.recordsFolderName) }

  init(_ path: FilePath) {
    self.path = path
  }

  var statePath: FilePath { path.appending(Self.stateFileName) }
  var inputsPath: FilePath { path.appending(Self.inputsFileName) }
  var manifestPath: FilePath { path.appending(CorpusManifest.fileName) }
  var lockPath: FilePath { records.appending(Self.lockName) }

  /// What came of a unit in a pass.
  func resultPath(_ unit: WorkUnit, _ pass: Pass) -> FilePath {
    records.appending("\(unit.name).\(pass == .shards ? "json" : pass.rawValue)")
  }

  /// Which documents of a unit are to be left out.
  func duplicatesPath(_ unit: WorkUnit) -> FilePath { records.appending("\(unit.name).duplicates") }

  /// In order.
  func unitsWithSignatures() throws -> [WorkUnit] {
    let suffix = ".\(Pass.signatures.rawValue)"
    return try DurableFile.list(records).filter { $0.hasSuffix(suffix) }
      .compactMap { WorkUnit(name: $0.dropLast(suffix.count)) }.sorted()
  }

  /// In the order of their units.
  func unitRecords() throws -> [UnitRecord] {
    try DurableFile.list(records).filter { $0.hasSuffix(".json") }
      .map { try JSONFile.read(UnitRecord.self, from: records.appending($0), hint: CorpusManifest.repair) }
      .sorted { $0.unit < $1.unit }
  }

  func createRecords() throws { try DurableFile.createFolder(records) }
}

// MARK: - Sharing the work

extension WorkFolder {
  private static let stopName = "stop"
  private static let lockName = "lock"
  private static let claimSuffix = ".claim"

  /// Whether this process is the one to do a unit: it is not done, and nobody else has begun it.
  func claim(_ unit: WorkUnit, _ pass: Pass) throws -> Bool {
    if DurableFile.exists(resultPath(unit, pass)) { return false }
    return try create(records.appending("\(unit.name).\(pass.rawValue)\(Self.claimSuffix)"))
  }

  /// Asks all processes to stop, because this one has failed. If even this file cannot be made, they find out at the end of the pass.
  func requestStop() {
    _ = try? create(records.appending(Self.stopName))
  }

  var isStopRequested: Bool { DurableFile.exists(records.appending(Self.stopName)) }

  /// - Returns: whether it was not there before.
  private func create(_ path: FilePath) throws -> Bool {
    let descriptor = open(path.string, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      if errno == EEXIST { return false }
      throw FileFailure.writing(path, Errno(rawValue: errno))
    }
    close(descriptor)
    return true
  }
}

// MARK: - Beginning and ending

extension WorkFolder {
  /// What the folder holds besides the notes of a run that has finished no unit yet.
  func resultNames() throws -> [String] {
    let notes = [Self.stateFileName, Self.recordsFolderName]
    return try DurableFile.list(path).filter { !notes.contains($0) && !Self.isPassing($0) }
      + recordNames().filter { !Self.isPassing($0) }
  }

  /// Removes what a run left that did not get to its end: claims, and files that are not whole.
  func removeLeavings() throws {
    for name in try recordNames() where Self.isPassing(name) && name != Self.lockName {
      try DurableFile.remove(records.appending(name))
    }
    try removePartialFiles()
  }

  /// Removes all that is not part of a corpus.
  func removeScaffolding() throws {
    try DurableFile.remove(records)
    try DurableFile.remove(statePath)
    try removePartialFiles()
  }

  private func removePartialFiles() throws {
    for name in try DurableFile.list(path) where name.hasSuffix(DurableFile.partialSuffix) {
      try DurableFile.remove(path.appending(name))
    }
  }

  private func recordNames() throws -> [String] {
    DurableFile.isFolder(records) ? try DurableFile.list(records) : []
  }

  private static func isPassing(_ name: String) -> Bool {
    name == stopName || name == lockName || name.hasSuffix(claimSuffix) || name.hasSuffix(".duplicates")
      || name.hasSuffix(DurableFile.partialSuffix)
  }
}

/// What came of a unit of work. It is written after the unit's shards, so that a unit with a record is finished.
struct UnitRecord: Codable {
  var group: Int
  var slice: Int
  /// About how much of the input on the disk it was.
  var inputBytes: Int
  /// How many records of input; none where one that began before reaches past the whole slice.
  var records: Int
  /// Of the unit's records as they were read.
  var inputChecksum: Checksum
  var train: ShardSummary?
  var holdout: ShardSummary?
  var leftOut = LeftOutCounts()
  /// Of preferences; nil where there are none.
  var longestPair: SequenceSize?

  var unit: WorkUnit { WorkUnit(group: group, slice: slice) }

  var shardBytes: Int { (train?.fileBytes ?? 0) + (holdout?.fileBytes ?? 0) }

  /// Of a whole input, from the checksums of the units that have records.
  static func inputsFingerprint(_ units: [(WorkUnit, Checksum)]) -> Checksum {
    var bytes: [UInt8] = []
    for (unit, checksum) in units {
      bytes.appendLittleEndian(UInt64(unit.group))
      bytes.appendLittleEndian(UInt64(unit.slice))
      bytes.append(checksum)
    }
    return Checksum(of: bytes)
  }
}
