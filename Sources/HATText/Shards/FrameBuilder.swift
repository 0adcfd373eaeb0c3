import HATStorage

/// Collects whole documents until they make a frame (docs/shard-format.md, "Frame content").
struct FrameBuilder {
  let wordLimit: Int
  private var entries: [UInt8] = []
  private var texts: [UInt8] = []
  private var wordLengths: [UInt8] = []
  private var metadata: [UInt8] = []
  private(set) var counts = TextCounts()

  init(wordLimit: Int) {
    precondition(wordLimit <= WordSplitter.largestWordLimit)
    self.wordLimit = wordLimit
  }

  var isEmpty: Bool { counts.documents == 0 }

  var rawBytes: Int { 4 + entries.count + texts.count + wordLengths.count + metadata.count }

  /// - Parameters:
  ///   - checksum: of `text`.
  ///   - lengths: of the words of `text`, each at most the word limit.
  ///   - encoded: the metadata as shards keep it.
  mutating func append(
    _ text: UnsafeBufferPointer<UInt8>, checksum: Checksum, words lengths: [UInt32], metadata encoded: [UInt8]
  ) {
    entries.appendLittleEndian(UInt32(text.count))
    entries.appendLittleEndian(UInt32(lengths.count))
    entries.appendLittleEndian(UInt32(encoded.count))
    entries.appendLittleEndian(checksum.value)
    texts.append(contentsOf: text)
    metadata.append(contentsOf: encoded)
    if ShardFormat.bytesPerWordLength(wordLimit: wordLimit) == 1 {
      wordLengths.append(contentsOf: lengths.lazy.map { UInt8($0) })
    } else {
      for length in lengths { wordLengths.appendLittleEndian(UInt16(length)) }
    }
    counts += TextCounts(documents: 1, words: lengths.count, bytes: text.count)
  }

  /// The raw content of the frame; the builder is empty afterwards.
  mutating func finish() -> [UInt8] {
    var raw: [UInt8] = []
    raw.reserveCapacity(rawBytes)
    raw.appendLittleEndian(UInt32(counts.documents))
    raw.append(contentsOf: entries)
    raw.append(contentsOf: texts)
    raw.append(contentsOf: wordLengths)
    raw.append(contentsOf: metadata)
    entries.removeAll(keepingCapacity: true)
    texts.removeAll(keepingCapacity: true)
    wordLengths.removeAll(keepingCapacity: true)
    metadata.removeAll(keepingCapacity: true)
    counts = TextCounts()
    return raw
  }
}
