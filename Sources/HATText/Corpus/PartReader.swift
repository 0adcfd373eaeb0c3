import HATStorage
import SystemPackage

/// Reads frames and documents of one part of a corpus, wherever its shards put them. For one thread alone.
final class PartReader {
  let shards: [ShardSummary]
  private let folder: FilePath
  private let splitter: WordSplitter
  /// [shards + 1]: the number of frames before each.
  private let framesBefore: [Int]
  /// [shards + 1]: the number of documents before each.
  private let documentsBefore: [Int]
  private var openShards: RecentlyUsed<ShardReader>
  private var recentFrames: RecentlyUsed<Frame>

  /// Bounds the open files, and the indexes in memory.
  static let mostOpenShards = 64
  /// In bytes of frames: about four windows of the document order at the usual size of a frame.
  static let frameMemory = 40 << 20

  init(shards: [ShardSummary], folder: FilePath, splitter: WordSplitter) {
    (self.shards, self.folder, self.splitter) = (shards, folder, splitter)
    framesBefore = shards.reduce(into: [0]) { $0.append($0.last! + $1.frames) }
    documentsBefore = shards.reduce(into: [0]) { $0.append($0.last! + $1.counts.documents) }
    openShards = RecentlyUsed(budget: Self.mostOpenShards)
    recentFrames = RecentlyUsed(budget: Self.frameMemory)
  }

  var frameCount: Int { framesBefore.last! }

  func open(_ shard: Int) throws -> ShardReader {
    try openShards.value(for: shard, cost: { _ in 1 }, make: { try checked(shards[shard]) })
  }

  private func checked(_ summary: ShardSummary) throws -> ShardReader {
    let reader = try ShardReader(opening: folder.appending(summary.name))
    guard reader.indexChecksum == summary.indexChecksum, reader.counts == summary.counts,
      reader.frameCount == summary.frames, reader.splitter == splitter
    else {
      throw UserError(
        .invalidData, at: reader.path.string, "it is not the shard the corpus was made with",
        hint: "Restore it, or preprocess the text into a new folder.")
    }
    return reader
  }

  func documentCount(ofFrame frame: Int) throws -> Int {
    let (shard, index) = locate(frame, in: framesBefore)
    return try open(shard).entries[index].documents
  }

  func frame(_ frame: Int) throws -> Frame {
    try recentFrames.value(for: frame, cost: \.memory) {
      let (shard, index) = locate(frame, in: framesBefore)
      return try open(shard).frame(index)
    }
  }

  /// The shard and the number in it, as `inspect shard` takes them.
  func name(of place: DocumentPlace) throws -> String {
    let (shard, index) = locate(place.frame, in: framesBefore)
    let reader = try open(shard)
    return "\(reader.path) --document \(reader.firstDocument(ofFrame: index) + place.document)"
  }

  func document(_ document: Int) throws -> ShardDocument {
    let (shard, index) = locate(document, in: documentsBefore)
    return try open(shard).document(index)
  }

  /// The shard an element is in, and its number there.
  private func locate(_ element: Int, in before: [Int]) -> (shard: Int, index: Int) {
    let shard = before.partitioningIndex { $0 > element } - 1
    return (shard, element - before[shard])
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
