import HATStorage

/// The constants of the shard format, written down byte by byte in docs/shard-format.md.
enum ShardFormat {
  static let magic = Array("HATSHARD".utf8)
  static let endMagic = Array("DRAHSTAH".utf8)
  static let fileExtension = ".shard"

  /// magic, version, word limit, length of the rule, kind (version 3), checksum.
  static let longestFixedHeader = 8 + 4 + 4 + 4 + 4 + 8
  static let longestRule = 64
  /// compressed bytes, raw bytes, documents, words, text bytes, checksums of raw and compressed data.
  static let indexEntryBytes = 7 * 8
  /// frames, documents, words, text bytes, file bytes, index checksum, trailer checksum, end magic.
  static let trailerBytes = 8 * 8

  /// A frame is closed once it is this large, so only one with a large last document is larger.
  static let frameTargetBytes = 256 << 10
  static let largestDocument = 256 << 20
  static let largestRawFrame = 1 << 30
  static let largestCompressedFrame = largestRawFrame + largestRawFrame / 128 + 1024
  static let largestFrameCount = 1 << 24
  static let largestCount = 1 << 48

  /// text bytes, words, metadata bytes: 4 bytes each; checksum of the text: 8; ranges of counted words (version 3): 4.
  static func documentEntryBytes(_ kind: DocumentKind) -> Int { kind == .text ? 20 : 24 }
  /// The first word, and the one behind the last: 4 bytes each.
  static let countedRangeBytes = 8

  /// Word lengths take one byte where the limit allows it.
  static func bytesPerWordLength(wordLimit: Int) -> Int {
    wordLimit <= 255 ? 1 : 2
  }
}

/// How many documents, words and bytes of text there are somewhere.
public struct TextCounts: Sendable, Codable, Equatable {
  public var documents = 0
  public var words = 0
  /// Of text: the UTF-8 of the documents.
  public var bytes = 0

  public init(documents: Int = 0, words: Int = 0, bytes: Int = 0) {
    (self.documents, self.words, self.bytes) = (documents, words, bytes)
  }

  static func += (left: inout TextCounts, right: TextCounts) {
    left.documents += right.documents
    left.words += right.words
    left.bytes += right.bytes
  }
}

extension Sequence<TextCounts> {
  var sum: TextCounts { reduce(into: TextCounts()) { $0 += $1 } }
}

/// What the index of a shard says of a frame.
struct FrameEntry {
  var compressedBytes = 0
  var rawBytes = 0
  var counts: TextCounts
  var rawChecksum = Checksum(value: 0)
  var compressedChecksum = Checksum(value: 0)

  func encode(into bytes: inout [UInt8]) {
    for value in [compressedBytes, rawBytes, counts.documents, counts.words, counts.bytes] {
      bytes.appendLittleEndian(UInt64(value))
    }
    bytes.append(rawChecksum)
    bytes.append(compressedChecksum)
  }

  init(counts: TextCounts) {
    self.counts = counts
  }

  init(decoding parser: inout ByteParser, _ kind: DocumentKind) throws {
    compressedBytes = try parser.size("a frame's length", atMost: ShardFormat.largestCompressedFrame)
    rawBytes = try parser.size("a frame's raw length", atMost: ShardFormat.largestRawFrame)
    counts = TextCounts(
      documents: try parser.size(
        "a frame's document count", atMost: rawBytes / ShardFormat.documentEntryBytes(kind)),
      words: try parser.size("a frame's word count", atMost: rawBytes),
      bytes: try parser.size("a frame's text length", atMost: rawBytes))
    rawChecksum = try parser.checksum()
    compressedChecksum = try parser.checksum()
    guard counts.documents > 0 else { throw FormatDamage("a frame has no documents") }
  }
}

/// What a manifest says of a shard.
public struct ShardSummary: Sendable, Codable, Equatable {
  /// The file in the corpus folder.
  public var name: String
  public var fileBytes: Int
  public var frames: Int
  public var counts: TextCounts
  /// Of the index, which holds the checksums of everything else.
  public var indexChecksum: Checksum
  /// Of the checksums of the frames' raw content: equal for equal data, however compressed.
  public var dataChecksum: Checksum
}

/// Numbered things that lie in parts one behind the other: frames in shards, documents in frames.
struct Partition {
  /// [parts + 1]: where each part starts, then where the last one ends.
  let starts: [Int]

  init(from start: Int = 0, lengths: some Sequence<Int>) {
    starts = lengths.reduce(into: [start]) { $0.append($0.last! + $1) }
  }

  var end: Int { starts.last! }

  subscript(part: Int) -> Range<Int> { starts[part]..<starts[part + 1] }

  /// The part an element is in, and its number there.
  func locate(_ element: Int) -> (part: Int, index: Int) {
    // The last part that starts at the element or before it.
    var (part, end) = (0, starts.count - 1)
    while end - part > 1 {
      let middle = (part + end) / 2
      if starts[middle] <= element { part = middle } else { end = middle }
    }
    return (part, element - starts[part])
  }
}
