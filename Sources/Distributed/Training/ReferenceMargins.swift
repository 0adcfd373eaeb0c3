import Foundation
import HATCore
import HATStorage
import HATText
import SystemPackage

/// What the model that tuning began with thinks of each preference pair: log π(chosen) - log π(rejected), in nats.
///
/// It is found once, before the first step, and kept in the run: no second model is in memory, and a run that resumes does not
/// need the checkpoint it began with.
struct ReferenceMargins: Sendable, Equatable {
  /// By the checksum of the pair's document.
  private let margins: [Checksum: Double]

  /// For data without pairs.
  init() { margins = [:] }

  init(_ pairs: [(pair: Checksum, margin: Double)]) {
    margins = Dictionary(pairs.map { ($0.pair, $0.margin) }) { first, _ in first }
  }

  /// Looks up the margin of each pair of a batch.
  func complete(_ batch: inout some PreferenceBatch) {
    for index in batch.pairs.indices {
      batch.pairs[index].referenceMargin = margins[batch.pairs[index].checksum]
    }
  }
}

extension ReferenceMargins {
  static func path(inRun run: FilePath) -> FilePath { run.appending("reference.json") }

  /// - Parameter data: fingerprint of the corpora.
  /// - Throws: `UserError` of kind `cannotWrite`.
  func write(to path: FilePath, data: String) throws {
    try JSONFile.write(ReferenceFile(margins, data: data), to: path)
  }

  /// - Throws: `UserError`: `missingInput`; `invalidData` where it is damaged, or of other data.
  init(reading path: FilePath, data: String) throws {
    guard DurableFile.exists(path) else {
      throw UserError(
        .missingInput, at: path.string,
        "what the model thought of the pairs before it was tuned is not there",
        hint: "Restore the file, or choose another `output` folder.")
    }
    let hint = "Restore the file, or choose another `output` folder."
    let file = try JSONFile.read(ReferenceFile.self, from: path, hint: hint)
    guard file.isWhole, file.dataFingerprint == data else {
      throw UserError(
        .invalidData, at: path.string, file.isWhole ? "it is of other data" : "it is damaged", hint: hint)
    }
    self.init(file.pairs.map { ($0.pair, $0.margin) })
  }
}

/// reference.json.
private struct ReferenceFile: Codable {
  struct Pair: Codable {
    var pair: Checksum
    var margin: Double
  }

  var dataFingerprint: String
  /// By their checksums.
  var pairs: [Pair]
  /// Of all pairs.
  var checksum: Checksum

  init(_ margins: [Checksum: Double], data: String) {
    dataFingerprint = data
    pairs = margins.sorted { $0.key.value < $1.key.value }
      .map { Pair(pair: $0.key, margin: $0.value) }
    checksum = Self.checksum(of: pairs)
  }

  var isWhole: Bool { checksum == Self.checksum(of: pairs) }

  private static func checksum(of pairs: [Pair]) -> Checksum {
    let checksum = RunningChecksum()
    for pair in pairs {
      for word in [pair.pair.value, pair.margin.bitPattern] {
        withUnsafeBytes(of: word.littleEndian) { checksum.update($0) }
      }
    }
    return checksum.checksum
  }
}

extension Trainer {
  /// The margins of all pairs of the data: those the run has, or, before its first step, new ones. Collective.
  /// - Throws: `UserError` or `AgreedFailure`.
  func referenceMargins() throws -> ReferenceMargins {
    guard source.hasPreferencePairs else { return ReferenceMargins() }
    let (path, data) = (ReferenceMargins.path(inRun: job.run), job.data.fingerprint)
    let isThere = try communicator.onFirstRank { DurableFile.exists(path) }
    guard step == 0, !isThere else {
      // All read the file; it is too large to be sent around as JSON.
      return try communicator.together { try ReferenceMargins(reading: path, data: data) }
    }
    let margins = try findReferenceMargins()
    try communicator.onFirstRank { try margins.write(to: path, data: data) }
    return margins
  }

  private func findReferenceMargins() throws -> ReferenceMargins {
    observe(.note("finding what the model thinks of the preference pairs before it is tuned"))
    let (rank, size) = (communicator.rank, communicator.size)
    var own: [PairMargin] = []
    let batches = try communicator.together { try source.preferencePairs { $0 % size == rank } }
    for batch in batches.owned {
      // Each by itself: a large corpus may take hours, and is no hang.
      log.begin(.start, step: step)
      for (pair, margin) in zip(batch.pairs, try model.preferenceMargins(batch, parameters)) {
        own.append(PairMargin(pair: pair.checksum.value, margin: margin))
      }
    }
    if batches.owned.count * size < batches.counts.reduce(0, +) { try parameters.takePartInForwardPass() }
    let gathered = try own.withUnsafeBytes { try communicator.allGather($0) }
    return ReferenceMargins(
      gathered.flatMap(PairMargin.all(in:)).map { (Checksum(value: $0.pair), $0.margin) })
  }
}

/// As ranks send it.
private struct PairMargin: BitwiseCopyable {
  var pair: UInt64
  var margin: Double

  static func all(in bytes: [UInt8]) -> [PairMargin] {
    bytes.withUnsafeBytes { raw in
      (0..<raw.count / MemoryLayout<Self>.stride).map {
        raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Self>.stride, as: Self.self)
      }
    }
  }
}
