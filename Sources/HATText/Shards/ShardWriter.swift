import HATStorage
import SystemPackage

/// Writes one shard: frames as they fill, the index last; the file has its name only when it is whole.
final class ShardWriter {
  private let path: FilePath
  private let file: FileWriter
  private let compressor: ZstdCompressor
  private var builder: FrameBuilder
  private var entries: [FrameEntry] = []

  /// - Throws: `UserError` of kind `cannotWrite`.
  init(
    creating path: FilePath, _ kind: DocumentKind = .text, splitter: WordSplitter, compressor: ZstdCompressor
  ) throws {
    precondition(splitter.hasWordLimit)
    self.path = path
    self.compressor = compressor
    builder = FrameBuilder(kind, wordLimit: splitter.maximumWordBytes)
    file = try FileWriter(creating: FilePath(path.string + DurableFile.partialSuffix))
    try file.write(Self.header(kind, splitter))
  }

  private static func header(_ kind: DocumentKind, _ splitter: WordSplitter) -> [UInt8] {
    let rule = Array(splitter.rule.versionedName.utf8)
    precondition(rule.count <= ShardFormat.longestRule)
    var bytes = ShardFormat.magic
    bytes.appendLittleEndian(kind.formatVersion)
    bytes.appendLittleEndian(UInt32(splitter.maximumWordBytes))
    bytes.appendLittleEndian(UInt32(rule.count))
    if let code = kind.code { bytes.appendLittleEndian(code) }
    bytes.append(contentsOf: rule)
    bytes.append(Checksum(of: bytes))
    return bytes
  }

  /// So far.
  var bytesWritten: Int { file.length }

  /// Appends a document (`FrameBuilder.append`).
  /// - Throws: `UserError` of kind `cannotWrite`.
  func append(
    _ text: UnsafeBufferPointer<UInt8>, checksum: Checksum, words lengths: [UInt32],
    counted: [Range<Int>] = [], metadata: [UInt8]
  ) throws {
    precondition(!text.isEmpty && text.count <= ShardFormat.largestDocument)
    builder.append(text, checksum: checksum, words: lengths, counted: counted, metadata: metadata)
    if builder.rawBytes >= ShardFormat.frameTargetBytes { try writeFrame() }
  }

  private func writeFrame() throws {
    var entry = FrameEntry(counts: builder.counts)
    let raw = builder.finish()
    entry.rawBytes = raw.count
    entry.rawChecksum = Checksum(of: raw)
    let compressed = compressor.compress(raw)
    entry.compressedBytes = compressed.count
    entry.compressedChecksum = Checksum(of: compressed)
    try compressed.withUnsafeBytes { try file.write($0) }
    entries.append(entry)
  }

  /// Writes what is left, the index and the trailer.
  /// - Throws: `UserError` of kind `cannotWrite`.
  func finish() throws -> ShardSummary {
    if !builder.isEmpty { try writeFrame() }
    precondition(!entries.isEmpty, "a shard has at least one document")
    var index: [UInt8] = []
    for entry in entries { entry.encode(into: &index) }
    let summary = summary(index)
    try file.write(index)
    try file.write(trailer(summary))
    return summary
  }

  /// Flushes the finished file, and gives it its name.
  /// - Throws: `UserError` of kind `cannotWrite`.
  func commit() throws {
    try file.synchronize()
    try file.close()
    try DurableFile.rename(file.path, to: path)
  }

  /// Removes what is written, as far as that is possible.
  func abandon() {
    try? file.close()
    try? DurableFile.remove(file.path)
  }

  private func summary(_ index: [UInt8]) -> ShardSummary {
    var checksums: [UInt8] = []
    for entry in entries { checksums.append(entry.rawChecksum) }
    return ShardSummary(
      name: path.lastComponent!.string, fileBytes: file.length + index.count + ShardFormat.trailerBytes,
      frames: entries.count, counts: entries.lazy.map(\.counts).sum, indexChecksum: Checksum(of: index),
      dataChecksum: Checksum(of: checksums))
  }

  private func trailer(_ summary: ShardSummary) -> [UInt8] {
    var bytes: [UInt8] = []
    let counts = summary.counts
    for value in [summary.frames, counts.documents, counts.words, counts.bytes, summary.fileBytes] {
      bytes.appendLittleEndian(UInt64(value))
    }
    bytes.append(summary.indexChecksum)
    bytes.append(Checksum(of: bytes))
    bytes.append(contentsOf: ShardFormat.endMagic)
    return bytes
  }
}
