import HATStorage

/// The documents of one frame, checked and in memory.
final class Frame {
  struct Document {
    var text: Range<Int>
    /// The first of its word lengths, counted in words from the frame's first.
    var firstWord: Int
    var words: Int
    var metadata: Range<Int>
    /// Of its text.
    var checksum: Checksum
  }

  private let raw: [UInt8]
  let documents: [Document]
  private let wordLengthsStart: Int
  private let bytesPerWordLength: Int

  /// - Throws: `FormatDamage` when the content does not follow the format.
  init(raw: [UInt8], wordLimit: Int) throws {
    self.raw = raw
    let lengthBytes = ShardFormat.bytesPerWordLength(wordLimit: wordLimit)
    bytesPerWordLength = lengthBytes
    (documents, wordLengthsStart) = try Self.parse(raw, bytesPerWordLength: lengthBytes)
    for document in documents { try check(document, wordLimit: wordLimit) }
  }

  /// What the frame takes in memory.
  var memory: Int { raw.count + documents.count * MemoryLayout<Document>.stride }

  var counts: TextCounts {
    documents.lazy.map { TextCounts(documents: 1, words: $0.words, bytes: $0.text.count) }.sum
  }

  /// In bytes; `index` counts from the frame's first word.
  func wordLength(_ index: Int) -> Int {
    let place = wordLengthsStart + index * bytesPerWordLength
    return bytesPerWordLength == 1 ? Int(raw[place]) : Int(raw[place]) | Int(raw[place + 1]) << 8
  }

  func withText<Result>(_ range: Range<Int>, _ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows
    -> Result
  {
    try raw.withUnsafeBufferPointer { try body(UnsafeBufferPointer(rebasing: $0[range])) }
  }

  func metadata(of document: Document) throws -> DocumentMetadata {
    try DocumentMetadata(decoding: ByteParser(raw, in: document.metadata))
  }

  private static func parse(
    _ raw: [UInt8], bytesPerWordLength: Int
  ) throws -> ([Document], wordLengthsStart: Int) {
    var parser = ByteParser(raw)
    let count = try parser.size(
      "the document count", atMost: parser.remaining / ShardFormat.documentEntryBytes, as: UInt32.self)
    let entries = try (0..<count).map { _ in try DocumentEntry(parsing: &parser, frameBytes: raw.count) }
    let texts = Partition(from: parser.position, lengths: entries.lazy.map(\.text))
    let words = Partition(lengths: entries.lazy.map(\.words))
    let metadata = Partition(
      from: texts.end + words.end * bytesPerWordLength, lengths: entries.lazy.map(\.metadata))
    guard metadata.end == raw.count else {
      throw FormatDamage("the parts of a frame do not add up to its length")
    }
    let documents = entries.enumerated().map { index, entry in
      Document(
        text: texts[index], firstWord: words.starts[index], words: entry.words, metadata: metadata[index],
        checksum: entry.checksum)
    }
    return (documents, texts.end)
  }

  /// A frame may have been written by somebody else: what reaches the model is UTF-8 in words within the limit.
  private func check(_ document: Document, wordLimit: Int) throws {
    var total = 0
    for word in document.firstWord..<document.firstWord + document.words {
      let length = wordLength(word)
      guard 1...wordLimit ~= length else { throw FormatDamage("a word is \(length) bytes long") }
      total += length
    }
    guard total == document.text.count, total > 0 else {
      throw FormatDamage("the words of a document do not add up to its text")
    }
    try withText(document.text) { text in
      guard TextValidation.firstInvalidByte(in: text) == nil else {
        throw FormatDamage("a document is not valid UTF-8")
      }
      guard Checksum(of: UnsafeRawBufferPointer(text)) == document.checksum else {
        throw FormatDamage("the checksum of a document is wrong")
      }
    }
  }
}

/// What a frame says of a document before its content.
private struct DocumentEntry {
  var text: Int
  var words: Int
  var metadata: Int
  var checksum: Checksum

  init(parsing parser: inout ByteParser, frameBytes: Int) throws {
    text = try parser.size("a document's length", atMost: frameBytes, as: UInt32.self)
    words = try parser.size("a document's word count", atMost: frameBytes, as: UInt32.self)
    metadata = try parser.size("a document's metadata length", atMost: frameBytes, as: UInt32.self)
    checksum = try parser.checksum()
  }
}

/// Collects whole documents until they make a frame (docs/shard-format.md, "Frame content").
struct FrameBuilder {
  let wordLimit: Int
  private var entries: [UInt8] = []
  private var texts: [UInt8] = []
  private var wordLengths: [UInt8] = []
  private var metadata: [UInt8] = []
  private(set) var counts = TextCounts()

  init(wordLimit: Int) {
    precondition(WordSplitter.wordLimits.contains(wordLimit))
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
    entries.append(checksum)
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
    for part in [\Self.entries, \.texts, \.wordLengths, \.metadata] {
      raw += self[keyPath: part]
      self[keyPath: part].removeAll(keepingCapacity: true)
    }
    counts = TextCounts()
    return raw
  }
}
