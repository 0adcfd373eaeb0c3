import HATStorage
import SystemPackage
import TestSupport
import Testing

@testable import HATText

/// Frames that would take more room than they say.
@Suite struct ShardBombTests {
  private let folder = TemporaryFolder()
  private var path: String { folder.appending("a.shard") }

  private func error(_ forge: ShardForge) throws -> String {
    try forge.write(to: path)
    let read = { try ShardReader(opening: FilePath(path)).forEachDocument { _ in } }
    #expect(errorKind(read) == .invalidData)
    return errorText(read)
  }

  /// A zstd frame of one block that is not compressed, with a window of 2 GiB (RFC 8878).
  private func frameWithHugeWindow(_ bytes: [UInt8], declaresSize: Bool) -> [UInt8] {
    var frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, declaresSize ? 0x80 : 0x00, 21 << 3]
    if declaresSize { frame.appendLittleEndian(UInt32(bytes.count)) }
    let block = UInt32(bytes.count) << 3 | 1
    frame += (0..<3).map { UInt8(truncatingIfNeeded: block >> (8 * $0)) }
    return frame + bytes
  }

  @Test func aFrameThatHoldsMoreThanItDeclaresIsRefused() throws {
    var forge = try ShardForge([Array("some text".utf8)])
    let declared = Int(forge.frames[0].declared[0])
    // A hundred megabytes of zeros in a few kilobytes, the content size written over.
    var bomb = Array(ZstdCompressor(level: 1).compress([UInt8](repeating: 0, count: 100_000_000)))
    #expect(bomb.count < 20_000)
    // Frame header: magic, descriptor, window, content size of four bytes (RFC 8878).
    #expect(bomb[4] & 0xE0 == 0x80)
    for byte in 0..<4 { bomb[6 + byte] = UInt8(truncatingIfNeeded: declared >> (8 * byte)) }
    forge.frames[0].compressed = bomb
    #expect(try error(forge).contains("not valid zstd data"))
  }

  @Test func aFrameThatDeclaresMoreThanTheIndexIsRefused() throws {
    var forge = try ShardForge([Array("some text".utf8)])
    forge.frames[0].compressed = Array(
      ZstdCompressor(level: 1).compress([UInt8](repeating: 0, count: 100_000_000)))
    #expect(try error(forge).contains("does not declare"))
    // One that declares nothing, with the largest window there is.
    forge.frames[0].compressed = frameWithHugeWindow([1, 2, 3], declaresSize: false)
    #expect(try error(forge).contains("does not declare"))
  }

  @Test func aHugeWindowTakesNoMemory() throws {
    let texts = [Array("some text".utf8)]
    var forge = try ShardForge(texts)
    let raw = try ZstdDecompressor().decompress(
      forge.frames[0].compressed, count: Int(forge.frames[0].declared[0]))
    forge.frames[0].compressed = frameWithHugeWindow(raw, declaresSize: true)
    try forge.write(to: path)
    #expect(try ShardReader(opening: FilePath(path)).document(0).text == texts[0])
  }

  @Test func everyDeclaredSizeIsLimited() throws {
    let forge = try ShardForge((0..<25).map { Array("text \($0)".utf8) })
    for field in 0..<forge.fieldCount {
      for value in [0, 1 << 31, 1 << 40, 1 << 62, 1 << 63, UInt64.max] {
        var forged = forge
        forged.replacedFields[field] = value
        _ = try error(forged)
      }
    }
  }

  @Test func numbersOfTheHeaderAreLimited() throws {
    let forge = try ShardForge([Array("some text".utf8)])
    for value in [0, 3, 65_536, UInt32.max] {
      var forged = forge
      forged.wordLimit = value
      _ = try error(forged)
    }
    for value in [0, 12, 14, 65, UInt32.max] {
      var forged = forge
      forged.ruleLength = value
      _ = try error(forged)
    }
    var forged = forge
    forged.version = 4
    #expect(try error(forged).contains("shard version 4, and this hat reads versions 2 and 3"))
    forged = forge
    forged.rule = Array("whitespace-v9".utf8)
    #expect(try error(forged).contains("whitespace-v9"))
  }
}
