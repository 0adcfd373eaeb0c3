import HATStorage
import SystemPackage

/// The two parts every corpus has.
public enum CorpusPart: String, Sendable, Codable, CaseIterable {
  /// What is trained on.
  case train
  /// What is kept from training, for evaluation.
  case holdout
}

/// A corpus folder opened for reading. What is made from it reads for itself, so that several threads may share it.
public final class Corpus: Sendable {
  public let folder: FilePath
  public let manifest: CorpusManifest

  /// Opens a folder that `preprocess` has finished, and checks that every shard is there in its full length.
  /// - Throws: `UserError`: `missingInput`, `invalidData`.
  public init(opening folder: FilePath) throws {
    self.folder = folder
    manifest = try CorpusManifest.read(from: folder)
    try manifest.requireShards(in: folder)
  }

  /// What cut its documents into words: a model trained on them needs the same.
  public var splitter: WordSplitter { manifest.settings.splitter }

  /// What its documents are.
  public var documents: DocumentKind { manifest.settings.documents }

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

  /// Calls `body` with every document of one shard of a part, in the order of the corpus.
  /// - Parameter shard: its index, below `manifest.part(part).shards.count`.
  package func forEachDocument(
    of part: CorpusPart, shard: Int, _ body: (ShardDocument) throws -> Void
  ) throws {
    try reader(part).open(shard).forEachDocument(body)
  }

  /// A new reader, for one thread.
  func reader(_ part: CorpusPart) -> PartReader {
    PartReader(shards: manifest.part(part).shards, folder: folder, documents, splitter: splitter)
  }
}

/// Which document it is, as one finds it again: a shard, and the number in it, counted from 0.
public struct DocumentName: Sendable, Hashable {
  public let shard: FilePath
  public let document: Int
}

/// Reads frames and documents of one part of a corpus, wherever its shards put them. For one thread alone.
final class PartReader {
  let shards: [ShardSummary]
  private let folder: FilePath
  private let kind: DocumentKind
  private let splitter: WordSplitter
  /// Of each shard.
  private let frames: Partition
  private let documents: Partition
  private var openShards: RecentlyUsed<ShardReader>
  private var recentFrames: RecentlyUsed<Frame>

  /// Bounds the open files, and the indexes in memory.
  static let mostOpenShards = 64
  /// In bytes of frames: about four windows of the document order at the usual size of a frame.
  static let frameMemory = 40 << 20

  init(shards: [ShardSummary], folder: FilePath, _ kind: DocumentKind, splitter: WordSplitter) {
    (self.shards, self.folder, self.kind, self.splitter) = (shards, folder, kind, splitter)
    frames = Partition(lengths: shards.lazy.map(\.frames))
    documents = Partition(lengths: shards.lazy.map(\.counts.documents))
    openShards = RecentlyUsed(budget: Self.mostOpenShards)
    recentFrames = RecentlyUsed(budget: Self.frameMemory)
  }

  var frameCount: Int { frames.end }

  func open(_ shard: Int) throws -> ShardReader {
    try openShards.value(for: shard, cost: { _ in 1 }, make: { try checked(shards[shard]) })
  }

  private func checked(_ summary: ShardSummary) throws -> ShardReader {
    let reader = try ShardReader(opening: folder.appending(summary.name))
    guard reader.indexChecksum == summary.indexChecksum, reader.counts == summary.counts,
      reader.frameCount == summary.frames, reader.splitter == splitter, reader.kind == kind
    else {
      throw UserError(
        .invalidData, at: reader.path.string, "it is not the shard the corpus was made with",
        hint: CorpusManifest.repair)
    }
    return reader
  }

  func documentCount(ofFrame frame: Int) throws -> Int {
    let (shard, index) = frames.locate(frame)
    return try open(shard).entries[index].counts.documents
  }

  func frame(_ frame: Int) throws -> Frame {
    try recentFrames.value(for: frame, cost: \.memory) {
      let (shard, index) = frames.locate(frame)
      return try open(shard).frame(index)
    }
  }

  func name(of place: DocumentPlace) throws -> DocumentName {
    let (shard, index) = frames.locate(place.frame)
    let reader = try open(shard)
    return DocumentName(shard: reader.path, document: reader.firstDocument(ofFrame: index) + place.document)
  }

  /// Counted over the part.
  func number(of place: DocumentPlace) throws -> Int {
    let (shard, index) = frames.locate(place.frame)
    return try documents.starts[shard] + open(shard).firstDocument(ofFrame: index) + place.document
  }

  func document(_ document: Int) throws -> ShardDocument {
    let (shard, index) = documents.locate(document)
    return try open(shard).document(index)
  }
}

/// Keeps the values used last within a budget; the newest is kept even when it exceeds it alone.
struct RecentlyUsed<Value> {
  private struct Entry {
    var value: Value
    var cost: Int
    var lastUse: Int
  }

  private let budget: Int
  private var entries: [Int: Entry] = [:]
  private var total = 0
  private var clock = 0

  init(budget: Int) {
    self.budget = budget
  }

  mutating func value(for key: Int, cost: (Value) -> Int, make: () throws -> Value) rethrows -> Value {
    clock += 1
    if let entry = entries[key] {
      entries[key]!.lastUse = clock
      return entry.value
    }
    let value = try make()
    let added = cost(value)
    total += added
    while total > budget, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
      total -= oldest.value.cost
      entries[oldest.key] = nil
    }
    entries[key] = Entry(value: value, cost: added, lastUse: clock)
    return value
  }
}
