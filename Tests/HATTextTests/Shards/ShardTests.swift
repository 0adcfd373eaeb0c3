import Foundation
import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATText

@Suite struct ShardTests {
  private let folder = TemporaryFolder()
  private var path: FilePath { FilePath(folder.appending("a.shard")) }

  @discardableResult
  private func write(_ texts: [[UInt8]], _ splitter: WordSplitter) throws -> ShardSummary {
    let writer = try ShardWriter(creating: path, splitter: splitter, compressor: ZstdCompressor(level: 3))
    for (index, text) in texts.enumerated() {
      try text.withUnsafeBufferPointer {
        try writer.append(
          $0, checksum: Checksum(of: text), words: splitter.split(text),
          metadata: DocumentMetadata(["source": "test \(index)", "language": ""]).encoded)
      }
    }
    let summary = try writer.finish()
    try writer.commit()
    return summary
  }

  private func texts(_ count: Int, seed: UInt64) -> [[UInt8]] {
    var generator = TextGenerator(seed: seed)
    return (0..<count).map { generator.text(scalars: 1 + $0 % 40 * 10) }
  }

  @Test(arguments: [4, 255, 256, 65_535]) func documentsComeBack(limit: Int) throws {
    let splitter = try WordSplitter(.whitespace, maximumWordBytes: limit)
    let texts = texts(4000, seed: 5)
    let summary = try write(texts, splitter)
    let shard = try ShardReader(opening: path)
    #expect(shard.frameCount > 3)
    #expect(shard.splitter == splitter)
    #expect(shard.counts == summary.counts && shard.counts.documents == texts.count)
    var index = 0
    try shard.forEachDocument { document in
      try #require(document.text == texts[index])
      try #require(document.wordLengths == splitter.split(texts[index]).map { Int($0) })
      try #require(document.metadata["source"] == "test \(index)")
      index += 1
    }
    #expect(index == texts.count)
    for index in [0, 1, 1999, 3999] { #expect(try shard.document(index).text == texts[index]) }
    #expect(errorKind { _ = try shard.document(4000) } == .wrongUsage)
    #expect(errorKind { _ = try shard.document(-1) } == .wrongUsage)
  }

  @Test func aLargeDocumentIsOneFrame() throws {
    let text = [UInt8](repeating: 0x61, count: 10_000_000)
    try write([text], WordSplitter(.whitespace))
    let shard = try ShardReader(opening: path)
    #expect(shard.frameCount == 1)
    #expect(try shard.document(0).text == text)
  }

  /// Everything a reader can be asked for.
  private func readAll() throws {
    try ShardReader(opening: path).forEachDocument { _ in }
  }

  @Test func everyFlippedBitIsFound() throws {
    try write(texts(30, seed: 6), WordSplitter(.whitespace))
    let whole = try Data(contentsOf: URL(fileURLWithPath: path.string))
    var generator = TextGenerator(seed: 7)
    let edges = Array(0..<80) + Array(whole.count - 200..<whole.count)
    for offset in edges + (0..<300).map({ _ in Int.random(in: 0..<whole.count, using: &generator) }) {
      let bit = Int.random(in: 0..<8, using: &generator)
      var damaged = whole
      damaged[offset] ^= UInt8(1 << bit)
      try damaged.write(to: URL(fileURLWithPath: path.string))
      try #require(errorKind(readAll) == .invalidData, "bit \(bit) of byte \(offset)")
    }
  }

  @Test func everyTruncationIsFound() throws {
    try write(texts(20, seed: 8), WordSplitter(.whitespace))
    let whole = try Data(contentsOf: URL(fileURLWithPath: path.string))
    for length in stride(from: 0, to: whole.count, by: max(1, whole.count / 700)) {
      try whole.prefix(length).write(to: URL(fileURLWithPath: path.string))
      try #require(errorKind(readAll) == .invalidData, "cut to \(length) bytes")
    }
    try (whole + [0]).write(to: URL(fileURLWithPath: path.string))
    #expect(errorKind(readAll) == .invalidData)
  }

  /// Puts 64 bits at an offset and makes all checksums right again, as somebody who means harm would.
  private func forge(_ value: UInt64, at offset: Int, in whole: [UInt8]) throws {
    var bytes = whole
    let trailer = bytes.count - ShardFormat.trailerBytes
    func put(_ value: UInt64, _ offset: Int) {
      withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(offset..<offset + 8, with: $0) }
    }
    let frames = Int(bytes[trailer]) | Int(bytes[trailer + 1]) << 8
    put(value, offset)
    put(
      Checksum(of: Array(bytes[trailer - frames * ShardFormat.indexEntryBytes..<trailer])).value, trailer + 40
    )
    put(Checksum(of: Array(bytes[trailer..<trailer + 48])).value, trailer + 48)
    try Data(bytes).write(to: URL(fileURLWithPath: path.string))
  }

  @Test func declaredSizesAreNotTrusted() throws {
    try write(texts(20, seed: 9), WordSplitter(.whitespace))
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path.string)))
    let trailer = whole.count - ShardFormat.trailerBytes
    let fields = (0..<5).map { trailer + 8 * $0 } + (0..<5).map { trailer - 56 + 8 * $0 }
    for field in fields {
      for value in [0, 1 << 20, 1 << 31, 1 << 47, 1 << 62, 1 << 63, UInt64.max] as [UInt64] {
        try forge(value, at: field, in: whole)
        try #require(errorKind(readAll) == .invalidData, "\(value) at \(field - trailer)")
      }
    }
  }

  @Test func otherFilesAndVersionsAreRefused() throws {
    try Data(
      "not a shard, but long enough to have room for header, index and trailer".utf8
        + [UInt8](repeating: 0, count: 200)
    )
    .write(to: URL(fileURLWithPath: path.string))
    #expect(errorText(readAll).contains("not a shard"))
    try write(texts(1, seed: 10), WordSplitter(.whitespace))
    try FileDamage.flipBit(1, ofByte: 8, in: path.string)
    #expect(
      errorText(readAll).contains(
        "shard version 0, and this hat reads versions 2 and 3: preprocess its text again"))
    #expect(
      errorKind { _ = try ShardReader(opening: FilePath(self.folder.appending("none"))) } == .missingInput)
  }
}
