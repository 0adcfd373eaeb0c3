import HATStorage

/// A document taken out of a shard, with the words it was cut into.
public struct ShardDocument: Sendable, Equatable {
  /// UTF-8; in a dialogue with marks in it.
  public var text: [UInt8]
  /// In bytes; they add up to the text.
  public var wordLengths: [Int]
  public var metadata: DocumentMetadata
  public var checksum: Checksum
  /// What it is a document of.
  public var kind = DocumentKind.text
  /// Of a dialogue, or a pair of them, the words that are part of the loss; none for text, of which all are.
  public var counted: [Range<Int>] = []

  /// The bytes of each word.
  public var words: [ArraySlice<UInt8>] {
    let words = Partition(lengths: wordLengths)
    return wordLengths.indices.map { text[words[$0]] }
  }
}

/// What is known of a document besides its text: names and values, ordered by name.
public struct DocumentMetadata: Sendable, Equatable {
  /// The fields kept of every document, where they are strings.
  static let usualFields = ["language", "license", "source"]
  static let longestName = 255
  static let longestValue = 65_535

  public private(set) var entries: [(name: String, value: String)] = []

  public init(_ entries: [String: String] = [:]) {
    self.entries = entries.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  public subscript(name: String) -> String? {
    entries.first { $0.name == name }?.value
  }

  public static func == (left: Self, right: Self) -> Bool {
    left.entries.elementsEqual(right.entries) { $0 == $1 }
  }

  /// The entries as shards keep them.
  var encoded: [UInt8] {
    var bytes: [UInt8] = []
    for (name, value) in entries {
      var value = value
      value.withUTF8 { Self.append(name: name, value: $0, to: &bytes) }
    }
    return bytes
  }

  /// Appends an entry: length of the name in one byte, name, length of the value in two, value. They must come in
  /// the order of their names.
  static func append(name: String, value: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
    precondition(name.utf8.count <= longestName && value.count <= longestValue)
    bytes.append(UInt8(name.utf8.count))
    bytes.append(contentsOf: name.utf8)
    bytes.appendLittleEndian(UInt16(value.count))
    bytes.append(contentsOf: value)
  }

  /// - Parameter encoded: the bytes of the metadata, and no others.
  /// - Throws: `FormatDamage`, also where a name comes twice.
  init(decoding encoded: ByteParser) throws {
    var parser = encoded
    while parser.remaining > 0 {
      let name = try parser.text(Int(parser.integer(UInt8.self)))
      let value = try parser.text(Int(parser.integer(UInt16.self)))
      entries.append((name, value))
    }
    guard Set(entries.map(\.name)).count == entries.count else {
      throw FormatDamage("a name of its metadata comes twice")
    }
  }
}
