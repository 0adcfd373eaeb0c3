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
  let kind: DocumentKind
  let documents: [Document]
  private let wordLengthsStart: Int
  private let bytesPerWordLength: Int
  /// [words of the frame]: whether each is part of the loss; empty where all are.
  private let counted: [Bool]

  /// - Throws: `FormatDamage` when the content does not follow the format.
  init(raw: [UInt8], _ kind: DocumentKind = .text, wordLimit: Int) throws {
    (self.raw, self.kind) = (raw, kind)
    let lengthBytes = ShardFormat.bytesPerWordLength(wordLimit: wordLimit)
    bytesPerWordLength = lengthBytes
    (documents, wordLengthsStart, counted) = try Self.parse(raw, kind, bytesPerWordLength: lengthBytes)
    for document in documents { try check(document, wordLimit: wordLimit) }
  }

  /// What the frame takes in memory.
  var memory: Int { raw.count + counted.count + documents.count * MemoryLayout<Document>.stride }

  var counts: TextCounts {
    documents.lazy.map { TextCounts(documents: 1, words: $0.words, bytes: $0.text.count) }.sum
  }

  /// In bytes; `index` counts from the frame's first word.
  func wordLength(_ index: Int) -> Int {
    let place = wordLengthsStart + index * bytesPerWordLength
    return bytesPerWordLength == 1 ? Int(raw[place]) : Int(raw[place]) | Int(raw[place + 1]) << 8
  }

  /// Whether a word is part of the loss; `index` counts from the frame's first word.
  func counts(_ index: Int) -> Bool { counted.isEmpty || counted[index] }

  /// The words of a document that are part of the loss, counted from its first; none where all words of all documents are.
  func countedRanges(of document: Document) -> [Range<Int>] {
    guard !counted.isEmpty else { return [] }
    var ranges: [Range<Int>] = []
    for word in 0..<document.words where counts(document.firstWord + word) {
      if ranges.last?.upperBound == word {
        ranges[ranges.count - 1] = ranges.last!.lowerBound..<word + 1
      } else {
        ranges.append(word..<word + 1)
      }
    }
    return ranges
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
    _ raw: [UInt8], _ kind: DocumentKind, bytesPerWordLength: Int
  ) throws -> ([Document], wordLengthsStart: Int, counted: [Bool]) {
    var parser = ByteParser(raw)
    let count = try parser.size(
      "the document count", atMost: parser.remaining / ShardFormat.documentEntryBytes(kind), as: UInt32.self)
    let entries = try (0..<count).map { _ in
      try DocumentEntry(parsing: &parser, kind, frameBytes: raw.count)
    }
    let texts = Partition(from: parser.position, lengths: entries.lazy.map(\.text))
    let words = Partition(lengths: entries.lazy.map(\.words))
    let metadata = Partition(
      from: texts.end + words.end * bytesPerWordLength, lengths: entries.lazy.map(\.metadata))
    let ranges = entries.reduce(0) { $0 + $1.countedRanges }
    guard metadata.end + ranges * ShardFormat.countedRangeBytes == raw.count else {
      throw FormatDamage("the parts of a frame do not add up to its length")
    }
    let documents = entries.enumerated().map { index, entry in
      Document(
        text: texts[index], firstWord: words.starts[index], words: entry.words, metadata: metadata[index],
        checksum: entry.checksum)
    }
    guard kind != .text else { return (documents, texts.end, []) }
    var rangeParser = ByteParser(raw, in: metadata.end..<raw.count)
    var counted = [Bool](repeating: false, count: words.end)
    for (index, entry) in entries.enumerated() {
      try readCountedRanges(entry.countedRanges, ofWords: words[index], from: &rangeParser, into: &counted)
    }
    return (documents, texts.end, counted)
  }

  /// Reads the ranges of a document, which ascend and do not touch.
  /// - Parameter words: those of the document, counted from the frame's first.
  private static func readCountedRanges(
    _ count: Int, ofWords words: Range<Int>, from parser: inout ByteParser, into counted: inout [Bool]
  ) throws {
    var least = 0
    for _ in 0..<count {
      let start = try parser.size("the start of counted words", atMost: words.count, as: UInt32.self)
      let end = try parser.size("the end of counted words", atMost: words.count, as: UInt32.self)
      guard least <= start, start < end else {
        throw FormatDamage("the ranges of counted words are not in order")
      }
      for word in words.lowerBound + start..<words.lowerBound + end { counted[word] = true }
      least = end + 1
    }
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
      if kind == .text {
        guard TextValidation.firstInvalidByte(in: text) == nil else {
          throw FormatDamage("a document is not valid UTF-8")
        }
      } else {
        var check = MarkedTextCheck(kind, text)
        for word in document.firstWord..<document.firstWord + document.words {
          try check.take(length: wordLength(word), counts: counts(word))
        }
        try check.finish()
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
  var countedRanges: Int

  init(parsing parser: inout ByteParser, _ kind: DocumentKind, frameBytes: Int) throws {
    text = try parser.size("a document's length", atMost: frameBytes, as: UInt32.self)
    words = try parser.size("a document's word count", atMost: frameBytes, as: UInt32.self)
    metadata = try parser.size("a document's metadata length", atMost: frameBytes, as: UInt32.self)
    checksum = try parser.checksum()
    countedRanges =
      try kind == .text
      ? 0
      : parser.size(
        "a document's count of ranges", atMost: frameBytes / ShardFormat.countedRangeBytes, as: UInt32.self)
  }
}
