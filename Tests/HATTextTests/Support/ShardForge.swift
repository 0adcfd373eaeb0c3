import CZstd
import Foundation
import HATStorage

@testable import HATText

/// A shard of any content whose checksums are all right: what somebody who means harm would write.
struct ShardForge {
  struct Frame {
    var compressed: [UInt8]
    /// As in the index: raw bytes, documents, words, text bytes. The length in the file is that of `compressed`.
    var declared: [UInt64]
    var rawChecksum: UInt64

    init(raw: [UInt8], documents: Int, words: Int, textBytes: Int) {
      compressed = Array(ZstdCompressor(level: 1).compress(raw))
      declared = [raw.count, documents, words, textBytes].map { UInt64($0) }
      rawChecksum = Checksum(of: raw).value
    }
  }

  var version: UInt32 = 2
  /// What the header says of the kind, in version 3.
  var kind: UInt32?
  var wordLimit: UInt32 = 64
  var rule = Array("whitespace-v1".utf8)
  /// nil is the length of `rule`.
  var ruleLength: UInt32?
  var frames: [Frame]
  /// Values put in place of what is right: fields of 8 bytes, counted from the start of index and trailer.
  var replacedFields: [Int: UInt64] = [:]

  /// A shard of documents that a splitter has cut.
  init(_ texts: [[UInt8]], perFrame: Int = 10) throws {
    let splitter = try WordSplitter(.whitespace)
    frames = stride(from: 0, to: texts.count, by: perFrame).map { start in
      var builder = FrameBuilder(wordLimit: 64)
      for text in texts[start..<min(start + perFrame, texts.count)] {
        text.withUnsafeBufferPointer {
          builder.append(
            $0, checksum: Checksum(of: text), words: splitter.split(text),
            metadata: DocumentMetadata(["source": "forge"]).encoded)
        }
      }
      let counts = builder.counts
      return Frame(
        raw: builder.finish(), documents: counts.documents, words: counts.words, textBytes: counts.bytes)
    }
  }

  /// A shard of dialogues or preferences.
  init(_ kind: DocumentKind, _ documents: [MarkedText], perFrame: Int = 10) throws {
    (version, self.kind) = (3, kind.code)
    frames = stride(from: 0, to: documents.count, by: perFrame).map { start in
      var builder = FrameBuilder(kind, wordLimit: 64)
      for document in documents[start..<min(start + perFrame, documents.count)] {
        document.bytes.withUnsafeBufferPointer {
          builder.append(
            $0, checksum: Checksum(of: document.bytes), words: document.wordLengths,
            counted: document.counted,
            metadata: DocumentMetadata(["source": "forge"]).encoded)
        }
      }
      let counts = builder.counts
      return Frame(
        raw: builder.finish(), documents: counts.documents, words: counts.words, textBytes: counts.bytes)
    }
  }

  /// The raw content of a frame.
  func raw(_ frame: Int = 0) throws -> [UInt8] {
    try ZstdDecompressor().decompress(frames[frame].compressed, count: Int(frames[frame].declared[0]))
  }

  var fieldCount: Int { frames.count * 7 + 6 }

  var bytes: [UInt8] {
    var header = ShardFormat.magic
    header.appendLittleEndian(version)
    header.appendLittleEndian(wordLimit)
    header.appendLittleEndian(ruleLength ?? UInt32(rule.count))
    if let kind { header.appendLittleEndian(kind) }
    header += rule
    header.appendLittleEndian(Checksum(of: header).value)
    let content = frames.flatMap(\.compressed)
    var index: [UInt8] = []
    for (number, frame) in frames.enumerated() {
      let fields =
        [UInt64(frame.compressed.count)] + frame.declared + [
          frame.rawChecksum, Checksum(of: frame.compressed).value,
        ]
      for (field, value) in fields.enumerated() {
        index.appendLittleEndian(replacedFields[number * 7 + field] ?? value)
      }
    }
    return header + content + index
      + trailer(index, fileBytes: header.count + content.count + index.count + 64)
  }

  private func trailer(_ index: [UInt8], fileBytes: Int) -> [UInt8] {
    let sums = (1...3).map { field in frames.reduce(0 as UInt64) { $0 &+ $1.declared[field] } }
    var trailer: [UInt8] = []
    let fields = [UInt64(frames.count)] + sums + [UInt64(fileBytes), Checksum(of: index).value]
    for (field, value) in fields.enumerated() {
      trailer.appendLittleEndian(replacedFields[frames.count * 7 + field] ?? value)
    }
    trailer.appendLittleEndian(Checksum(of: trailer).value)
    return trailer + ShardFormat.endMagic
  }

  func write(to path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }
}
