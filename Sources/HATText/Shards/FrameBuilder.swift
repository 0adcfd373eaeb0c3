import HATStorage

/// Collects whole documents until they make a frame (docs/shard-format.md, "Frame content").
struct FrameBuilder {
  let kind: DocumentKind
  let wordLimit: Int
  private var entries: [UInt8] = []
  private var texts: [UInt8] = []
  private var wordLengths: [UInt8] = []
  private var metadata: [UInt8] = []
  private var countedRanges: [UInt8] = []
  private(set) var counts = TextCounts()

  init(_ kind: DocumentKind = .text, wordLimit: Int) {
    precondition(WordSplitter.wordLimits.contains(wordLimit))
    (self.kind, self.wordLimit) = (kind, wordLimit)
  }

  var isEmpty: Bool { counts.documents == 0 }

  var rawBytes: Int {
    4 + entries.count + texts.count + wordLengths.count + metadata.count + countedRanges.count
  }

  /// - Parameters:
  ///   - checksum: of `text`.
  ///   - lengths: of the words of `text`, each at most the word limit.
  ///   - counted: of a dialogue, the words that are part of the loss, in ascending ranges that do not touch.
  ///   - encoded: the metadata as shards keep it.
  mutating func append(
    _ text: UnsafeBufferPointer<UInt8>, checksum: Checksum, words lengths: [UInt32],
    counted: [Range<Int>] = [], metadata encoded: [UInt8]
  ) {
    precondition(counted.isEmpty == (kind == .text), "in a dialogue something counts, in text everything")
    entries.appendLittleEndian(UInt32(text.count))
    entries.appendLittleEndian(UInt32(lengths.count))
    entries.appendLittleEndian(UInt32(encoded.count))
    entries.append(checksum)
    if kind != .text { entries.appendLittleEndian(UInt32(counted.count)) }
    for range in counted {
      countedRanges.appendLittleEndian(UInt32(range.lowerBound))
      countedRanges.appendLittleEndian(UInt32(range.upperBound))
    }
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
    for part in [\Self.entries, \.texts, \.wordLengths, \.metadata, \.countedRanges] {
      raw += self[keyPath: part]
      self[keyPath: part].removeAll(keepingCapacity: true)
    }
    counts = TextCounts()
    return raw
  }
}
