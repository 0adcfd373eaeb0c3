import HATStorage
import SystemPackage

/// A corpus folder opened for reading. What is made from it reads for itself, so that several threads may share it.
public final class Corpus: Sendable {
  public let folder: FilePath
  public let manifest: CorpusManifest

  /// Opens a folder that `preprocess` has finished, and checks that every shard is there in its full length.
  /// - Throws: `UserError`: `missingInput`, `invalidData`.
  public init(opening folder: FilePath) throws {
    self.folder = folder
    let manifest = try CorpusManifest.read(from: folder)
    self.manifest = manifest
    for part in CorpusPart.allCases {
      for shard in manifest.part(part).shards { try Self.requirePresent(shard, in: folder) }
    }
  }

  /// What cut its documents into words: a model trained on them needs the same.
  public var splitter: WordSplitter { manifest.settings.splitter }

  /// Equal for equal data, however compressed and wherever it lies.
  public var fingerprint: Checksum { manifest.dataFingerprint }

  public func counts(_ part: CorpusPart) -> TextCounts { manifest.part(part).counts }

  /// Document `index` of a part, counted from 0 in the order of the corpus.
  /// - Throws: `UserError`: `wrongUsage` when there is no such document, `invalidData`.
  public func document(_ index: Int, of part: CorpusPart = .train) throws -> ShardDocument {
    guard 0..<counts(part).documents ~= index else {
      throw UserError(
        .wrongUsage, at: folder.string, "its part \(part.rawValue) has no document \(index)",
        hint: "It has \(counts(part).documents), numbered from 0.")
    }
    return try reader(part).document(index)
  }

  /// Calls `body` with every document of a part, in the order of the corpus.
  public func forEachDocument(of part: CorpusPart, _ body: (ShardDocument) throws -> Void) throws {
    let reader = reader(part)
    for shard in reader.shards.indices { try reader.open(shard).forEachDocument(body) }
  }

  /// A new reader, for one thread.
  func reader(_ part: CorpusPart) -> PartReader {
    PartReader(shards: manifest.part(part).shards, folder: folder, splitter: splitter)
  }

  private static func requirePresent(_ shard: ShardSummary, in folder: FilePath) throws {
    let path = folder.appending(shard.name)
    guard DurableFile.exists(path) else {
      throw UserError(
        .missingInput, at: path.string, "a shard of the corpus is missing",
        hint: "Restore it, or preprocess the text into a new folder.")
    }
    let length = try FileReader(opening: path).length
    guard length == shard.fileBytes else {
      throw UserError(
        .invalidData, at: path.string, "it has \(length) bytes instead of \(shard.fileBytes)",
        hint: "The shard was cut short or replaced: restore it, or preprocess the text into a new folder.")
    }
  }
}
