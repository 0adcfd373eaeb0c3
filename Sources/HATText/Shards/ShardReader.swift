import HATStorage
import SystemPackage

/// A shard opened for reading any of its frames. Everything read is checked before it is believed.
public final class ShardReader {
  public let path: FilePath
  public let splitter: WordSplitter
  /// What its documents are.
  public let kind: DocumentKind
  public let counts: TextCounts
  let indexChecksum: Checksum
  let entries: [FrameEntry]
  private let file: FileReader
  /// The bytes of each frame in the file.
  private let frames: Partition
  /// The documents of each frame in the shard.
  private let documents: Partition
  private let decompressor = ZstdDecompressor()

  /// Opens a shard and checks its header, trailer and index.
  /// - Throws: `UserError`: `missingInput`, or `invalidData` for what is damaged, cut short or no shard.
  public init(opening path: FilePath) throws {
    self.path = path
    file = try FileReader(opening: path)
    do {
      let header = try Self.readHeader(file)
      let trailer = try Self.readTrailer(file)
      (kind, splitter) = (header.kind, header.splitter)
      entries = try Self.readIndex(file, trailer, header)
      (counts, indexChecksum) = (trailer.counts, trailer.indexChecksum)
      frames = Partition(from: header.bytes, lengths: entries.lazy.map(\.compressedBytes))
      documents = Partition(lengths: entries.lazy.map(\.counts.documents))
    } catch let damage as FormatDamage {
      throw Self.error(damage, at: path.string)
    }
  }

  public var frameCount: Int { entries.count }

  /// The number, in the shard, of a frame's first document.
  func firstDocument(ofFrame frame: Int) -> Int { documents.starts[frame] }

  /// Reads, checks and decompresses a frame.
  /// - Throws: `UserError` of kind `invalidData`.
  func frame(_ index: Int) throws -> Frame {
    let entry = entries[index]
    let compressed = try compressedFrame(index)
    do {
      let raw = try decompressor.decompress(compressed, count: entry.rawBytes)
      guard Checksum(of: raw) == entry.rawChecksum else {
        throw FormatDamage("the checksum of the decompressed data is wrong")
      }
      let frame = try Frame(raw: raw, kind, wordLimit: splitter.maximumWordBytes)
      guard frame.counts == entry.counts else {
        throw FormatDamage("its documents are not those the index promises")
      }
      return frame
    } catch let damage as FormatDamage {
      throw Self.error(damage, at: "\(path.string), frame \(index)")
    }
  }

  /// Reads every byte of the shard and checks it.
  /// - Throws: `UserError` of kind `invalidData`.
  func requireIntact() throws {
    for index in entries.indices { _ = try compressedFrame(index) }
  }

  private func compressedFrame(_ index: Int) throws -> [UInt8] {
    let compressed = try file.read(at: frames.starts[index], count: entries[index].compressedBytes)
    guard Checksum(of: compressed) == entries[index].compressedChecksum else {
      throw Self.error(
        FormatDamage("the checksum of the compressed data is wrong"), at: "\(path.string), frame \(index)")
    }
    return compressed
  }

  /// Document `index` of the shard, counted from 0.
  /// - Throws: `UserError`: `wrongUsage` when there is no such document, `invalidData`.
  public func document(_ index: Int) throws -> ShardDocument {
    guard 0..<counts.documents ~= index else {
      throw UserError(
        .wrongUsage, at: path.string, "it has no document \(index)",
        hint: "It has \(counts.documents), numbered from 0.")
    }
    let (frameIndex, place) = documents.locate(index)
    return try document(place, of: try frame(frameIndex), frameIndex)
  }

  /// Calls `body` with every document in order.
  public func forEachDocument(_ body: (ShardDocument) throws -> Void) throws {
    for frameIndex in entries.indices {
      let frame = try frame(frameIndex)
      for index in frame.documents.indices { try body(try document(index, of: frame, frameIndex)) }
    }
  }

  private func document(_ index: Int, of frame: Frame, _ frameIndex: Int) throws -> ShardDocument {
    let document = frame.documents[index]
    do {
      return ShardDocument(
        text: frame.withText(document.text) { Array($0) },
        wordLengths: (document.firstWord..<document.firstWord + document.words).map(frame.wordLength),
        metadata: try frame.metadata(of: document), checksum: document.checksum, kind: kind,
        counted: frame.countedRanges(of: document))
    } catch let damage as FormatDamage {
      throw Self.error(damage, at: "\(path.string), frame \(frameIndex)")
    }
  }

  private static func error(_ damage: FormatDamage, at place: String) -> UserError {
    UserError(
      .invalidData, at: place, damage.problem,
      hint: "The shard is damaged or not one of ours: restore it, or preprocess the text into a new folder.")
  }
}

extension ShardReader {
  private struct Header {
    var kind: DocumentKind
    var splitter: WordSplitter
    /// Its length.
    var bytes: Int
  }

  private struct Trailer {
    var frames: Int
    var counts: TextCounts
    var indexChecksum: Checksum
  }

  private static func readHeader(_ file: FileReader) throws -> Header {
    let available = min(file.length, ShardFormat.longestFixedHeader + ShardFormat.longestRule)
    let bytes = try file.read(at: 0, count: available)
    var parser = ByteParser(bytes)
    guard try parser.bytes(8).elementsEqual(ShardFormat.magic) else {
      throw FormatDamage("it is not a shard")
    }
    let version = try parser.integer(UInt32.self)
    let versions = DocumentKind.formatVersions
    guard versions.contains(version) else {
      throw FormatDamage(
        "it has shard version \(version), and this hat reads versions "
          + "\(versions.map(String.init).joined(separator: " and ")): "
          + (version < versions[0]
            ? "preprocess its text again" : "use the hat that wrote it, or a newer one"))
    }
    let limit = try parser.size("the word limit", atMost: WordSplitter.wordLimits.upperBound, as: UInt32.self)
    let ruleBytes = try parser.size(
      "the length of the rule", atMost: ShardFormat.longestRule, as: UInt32.self)
    let code = try version == DocumentKind.text.formatVersion ? nil : parser.integer(UInt32.self)
    let rule = String(decoding: try parser.bytes(ruleBytes), as: UTF8.self)
    let covered = bytes[..<parser.position]
    guard try parser.checksum() == Checksum(of: covered) else {
      throw FormatDamage("the checksum of the header is wrong")
    }
    guard let kind = code.map(DocumentKind.init(code:)) ?? .text else {
      throw FormatDamage("its documents are of a kind that this hat does not know")
    }
    do {
      let rule = try SplittingRule(versionedName: rule)
      return Header(
        kind: kind, splitter: try WordSplitter(rule, maximumWordBytes: limit), bytes: parser.position)
    } catch let error as UserError {
      throw FormatDamage(error.problem)
    }
  }

  private static func readTrailer(_ file: FileReader) throws -> Trailer {
    guard file.length >= ShardFormat.trailerBytes else { throw FormatDamage("it is cut short") }
    let bytes = try file.read(at: file.length - ShardFormat.trailerBytes, count: ShardFormat.trailerBytes)
    let covered = bytes.dropLast(16)
    var end = ByteParser(bytes, in: covered.endIndex..<bytes.endIndex)
    let checksum = try end.checksum()
    guard try end.bytes(8).elementsEqual(ShardFormat.endMagic) else {
      throw FormatDamage("its end is missing: it is cut short or longer than it was")
    }
    guard checksum == Checksum(of: covered) else {
      throw FormatDamage("the checksum of the trailer is wrong")
    }
    var parser = ByteParser(bytes)
    let frames = try parser.size("the frame count", atMost: ShardFormat.largestFrameCount)
    let counts = TextCounts(
      documents: try parser.size("the document count", atMost: ShardFormat.largestCount),
      words: try parser.size("the word count", atMost: ShardFormat.largestCount),
      bytes: try parser.size("the text length", atMost: ShardFormat.largestCount))
    let length = try parser.size("the file length", atMost: ShardFormat.largestCount)
    guard length == file.length else {
      throw FormatDamage("it has \(file.length) bytes instead of \(length)")
    }
    return Trailer(frames: frames, counts: counts, indexChecksum: try parser.checksum())
  }

  private static func readIndex(
    _ file: FileReader, _ trailer: Trailer, _ header: Header
  ) throws -> [FrameEntry] {
    let indexBytes = trailer.frames * ShardFormat.indexEntryBytes
    let start = file.length - ShardFormat.trailerBytes - indexBytes
    guard trailer.frames > 0, start >= header.bytes else {
      throw FormatDamage("its index does not fit into it")
    }
    let bytes = try file.read(at: start, count: indexBytes)
    guard Checksum(of: bytes) == trailer.indexChecksum else {
      throw FormatDamage("the checksum of the index is wrong")
    }
    var parser = ByteParser(bytes)
    let entries = try (0..<trailer.frames).map { _ in try FrameEntry(decoding: &parser, header.kind) }
    let end = header.bytes + entries.reduce(0) { $0 + $1.compressedBytes }
    guard entries.lazy.map(\.counts).sum == trailer.counts, end == start else {
      throw FormatDamage("its index does not add up")
    }
    return entries
  }
}
