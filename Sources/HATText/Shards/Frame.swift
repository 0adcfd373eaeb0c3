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
    (documents, wordLengthsStart) = try raw.withUnsafeBytes {
      try Self.parse($0, bytesPerWordLength: lengthBytes)
    }
    for document in documents { try check(document, wordLimit: wordLimit) }
  }

  /// What the frame takes in memory.
  var memory: Int { raw.count + documents.count * MemoryLayout<Document>.stride }

  var counts: TextCounts {
    documents.reduce(into: TextCounts()) {
      $0 += TextCounts(documents: 1, words: $1.words, bytes: $1.text.count)
    }
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
    try raw.withUnsafeBytes {
      try DocumentMetadata(decoding: UnsafeRawBufferPointer(rebasing: $0[document.metadata]))
    }
  }

  private static func parse(
    _ raw: UnsafeRawBufferPointer, bytesPerWordLength: Int
  ) throws -> ([Document], wordLengthsStart: Int) {
    var parser = ByteParser(raw)
    let count = try parser.smallSize(
      "the document count", atMost: parser.remaining / ShardFormat.documentEntryBytes)
    let sizes = try (0..<count).map { _ in try DocumentEntry(parsing: &parser, frameBytes: raw.count) }
    let textStart = raw.count - parser.remaining
    let wordLengthsStart = textStart + sizes.reduce(0) { $0 + $1.text }
    var document = Document(
      text: textStart..<textStart, firstWord: 0, words: 0, metadata: 0..<0, checksum: Checksum(value: 0))
    let words = sizes.reduce(0) { $0 + $1.words }
    let metadataStart = wordLengthsStart + words * bytesPerWordLength
    guard metadataStart + sizes.reduce(0, { $0 + $1.metadata }) == raw.count else {
      throw FormatDamage("the parts of a frame do not add up to its length")
    }
    document.metadata = metadataStart..<metadataStart
    let documents = sizes.map { size in
      document.text = document.text.upperBound..<document.text.upperBound + size.text
      document.firstWord += document.words
      document.words = size.words
      document.metadata = document.metadata.upperBound..<document.metadata.upperBound + size.metadata
      document.checksum = size.checksum
      return document
    }
    return (documents, wordLengthsStart)
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
    text = try parser.smallSize("a document's length", atMost: frameBytes)
    words = try parser.smallSize("a document's word count", atMost: frameBytes)
    metadata = try parser.smallSize("a document's metadata length", atMost: frameBytes)
    checksum = Checksum(value: try parser.integer(UInt64.self))
  }
}
