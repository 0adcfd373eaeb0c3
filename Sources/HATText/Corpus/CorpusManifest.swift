import Foundation
import HATStorage
import SystemPackage

/// What a corpus folder holds: the file `corpus.json`, written last, so that a folder that has it is whole.
public struct CorpusManifest: Sendable, Codable, Equatable {
  public static let fileName = "corpus.json"
  static let format = "hat-corpus"
  /// What to do about any of its files that is damaged.
  static let repair = "Restore it, or preprocess the text into a new folder."

  public struct Part: Sendable, Codable, Equatable {
    public var counts = TextCounts()
    public var shards: [ShardSummary] = []

    mutating func append(_ shard: ShardSummary) {
      shards.append(shard)
      counts += shard.counts
    }
  }

  var format = Self.format
  var version: Int
  public var settings: PreprocessSettings
  /// Of the input as it was read.
  public var inputsFingerprint: Checksum
  /// Of the rule, the word limit and the content of every frame, however compressed: equal corpora have equal ones.
  public var dataFingerprint: Checksum
  public var train = Part()
  public var holdout = Part()
  public var leftOut = LeftOutCounts()
  /// Of preferences, of both parts: the most words and the most bytes that a pair takes of a sequence; nil for other documents.
  public var longestPair: SequenceSize?

  public func part(_ part: CorpusPart) -> Part {
    switch part {
    case .train: train
    case .holdout: holdout
    }
  }
}

extension CorpusManifest {
  init(settings: PreprocessSettings, records: [UnitRecord]) {
    self.settings = settings
    version = Int(settings.documents.formatVersion)
    inputsFingerprint = UnitRecord.inputsFingerprint(
      records.filter { $0.records > 0 }.map { ($0.unit, $0.inputChecksum) })
    dataFingerprint = Checksum(value: 0)
    for record in records {
      leftOut += record.leftOut
      if let shard = record.train { train.append(shard) }
      if let shard = record.holdout { holdout.append(shard) }
      longestPair = .larger(longestPair, record.longestPair)
    }
    dataFingerprint = computedDataFingerprint
  }

  var computedDataFingerprint: Checksum {
    var bytes = Array(settings.splitter.rule.versionedName.utf8)
    bytes.appendLittleEndian(UInt64(settings.splitter.maximumWordBytes))
    for part in [train, holdout] {
      bytes.appendLittleEndian(UInt64(part.shards.count))
      for shard in part.shards { bytes.append(shard.dataChecksum) }
    }
    return Checksum(of: bytes)
  }

  /// Reads the manifest of a corpus folder.
  /// - Throws: `UserError`: `missingInput` where there is none, `invalidData` where it is damaged.
  public static func read(from folder: FilePath) throws -> CorpusManifest {
    let path = folder.appending(fileName)
    guard DurableFile.isFolder(folder) || !DurableFile.exists(folder) else {
      throw UserError(
        .missingInput, at: folder.string, "this is a file, not a corpus",
        hint: "Make a corpus of it first: hat-mpirun preprocess `output` FOLDER \(folder).")
    }
    guard DurableFile.exists(path) else {
      throw UserError(
        .missingInput, at: folder.string,
        DurableFile.exists(folder.appending(WorkFolder.stateFileName))
          ? "the corpus is not finished" : "there is no corpus here (no \(fileName))",
        hint: "Preprocess text into it; what was stopped continues where it stopped.")
    }
    let kind = try JSONFile.read(Kind.self, from: path, hint: repair)
    let versions = DocumentKind.formatVersions
    guard kind.format == format, versions.contains(where: { Int($0) == kind.version }) else {
      throw UserError(
        .invalidData, at: path.string,
        "it is \(kind.format) version \(kind.version), not \(format) "
          + versions.map(String.init).joined(separator: " or "),
        hint: "Use the version of hat that wrote it, or preprocess the text again.")
    }
    let manifest = try JSONFile.read(CorpusManifest.self, from: path, hint: repair)
    guard manifest.isConsistent else {
      throw UserError(.invalidData, at: path.string, "its numbers do not add up", hint: repair)
    }
    return manifest
  }

  /// What every version says of itself.
  private struct Kind: Decodable {
    var format: String
    var version: Int
  }

  private var isConsistent: Bool {
    dataFingerprint == computedDataFingerprint && settings.arePossible && leftOut.isPlausible
      && version == settings.documents.formatVersion && hasPlausiblePair
      && CorpusPart.allCases.allSatisfy { part($0).addsUp }
  }
}

extension CorpusManifest {
  private var hasPlausiblePair: Bool {
    guard let longestPair else { return settings.documents != .preferences }
    // What a document can have, and its closing mark.
    return settings.documents == .preferences && 1...ShardFormat.largestDocument + 1 ~= longestPair.bytes
      && 1...longestPair.bytes ~= longestPair.words
  }
}

extension CorpusManifest.Part {
  /// Whether the shards make up what is said of all of them. What is said bounds every sum.
  fileprivate var addsUp: Bool {
    guard counts.arePlausible, shards.allSatisfy(\.isPlausible) else { return false }
    var sum = TextCounts()
    for shard in shards {
      sum += shard.counts
      guard sum.arePlausible else { return false }
    }
    return sum == counts
  }
}

extension TextCounts {
  /// Whether the numbers are possible, and small enough to be added up.
  fileprivate var arePlausible: Bool {
    [documents, words, bytes].allSatisfy { 0...ShardFormat.largestCount ~= $0 }
  }
}

extension ShardSummary {
  /// Whether the numbers are possible, and the file has room for so many frames; and the name stays in its folder.
  fileprivate var isPlausible: Bool {
    let numbers = [fileBytes, counts.documents, counts.words, counts.bytes, frames]
    return numbers.allSatisfy { 1...ShardFormat.largestCount ~= $0 }
      && frames <= min(ShardFormat.largestFrameCount, fileBytes / ShardFormat.indexEntryBytes)
      && !name.contains("/") && !name.isEmpty
  }
}

extension CorpusManifest {
  /// Checks that every shard is in the folder in its full length.
  /// - Throws: `UserError`: `missingInput`, `invalidData`.
  func requireShards(in folder: FilePath) throws {
    for part in CorpusPart.allCases {
      for shard in self.part(part).shards { try Self.requirePresent(shard, in: folder) }
    }
  }

  private static func requirePresent(_ shard: ShardSummary, in folder: FilePath) throws {
    let path = folder.appending(shard.name)
    guard DurableFile.exists(path) else {
      throw UserError(
        .missingInput, at: path.string, "a shard of the corpus is missing",
        hint: CorpusManifest.repair)
    }
    let length = try FileReader(opening: path).length
    guard length == shard.fileBytes else {
      throw UserError(
        .invalidData, at: path.string, "it has \(length) bytes instead of \(shard.fileBytes)",
        hint: "The shard was cut short or replaced: restore it, or preprocess the text into a new folder.")
    }
  }
}
