import HATStorage
import Testing

@testable import HATText

@Suite struct FrameTests {
  private func raw() -> [UInt8] {
    var builder = FrameBuilder(wordLimit: 8)
    for text in ["Hello world ", "é"] {
      let bytes = Array(text.utf8)
      bytes.withUnsafeBufferPointer {
        builder.append(
          $0, checksum: Checksum(of: bytes), words: bytes.count > 2 ? [6, 6] : [2],
          metadata: DocumentMetadata(["source": "x"]).encoded)
      }
    }
    return builder.finish()
  }

  private func bytes(of checksum: Checksum) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: checksum.value >> (8 * $0)) }
  }

  @Test func aFrameIsLaidOutAsDocumented() throws {
    let raw = raw()
    #expect(raw.count == 4 + 2 * 20 + 14 + 3 + 2 * 10)
    #expect(raw.prefix(16) == [2, 0, 0, 0, 12, 0, 0, 0, 2, 0, 0, 0, 10, 0, 0, 0])
    #expect(Array(raw[16..<24]) == bytes(of: Checksum(of: Array("Hello world ".utf8))))
    #expect(Array(raw[44..<61]) == Array("Hello world é".utf8) + [6, 6, 2])
    let frame = try Frame(raw: raw, wordLimit: 8)
    #expect(frame.counts == TextCounts(documents: 2, words: 3, bytes: 14))
    #expect(try frame.metadata(of: frame.documents[1])["source"] == "x")
  }

  /// To Swift, é and e with an accent behind it are one string.
  @Test(arguments: [["a", "a"], ["\u{E9}", "e\u{301}"]]) func aNameOfMetadataThatComesTwiceIsDamage(
    names: [String]
  ) throws {
    func metadata(_ names: [String]) -> [UInt8] {
      names.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) + [1, 0, 0x78] }
    }
    #expect(throws: FormatDamage.self) { try DocumentMetadata(decoding: ByteParser(metadata(names))) }
    #expect(try DocumentMetadata(decoding: ByteParser(metadata([names[0], "z"])))["z"] == "x")
  }

  /// Frames written by others, with right checksums, must not get anything past the checks.
  @Test func noContentCrashes() throws {
    let whole = raw()
    var generator = TextGenerator(seed: 11)
    for round in 0..<200_000 {
      var raw = whole
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        raw[Int.random(in: 0..<raw.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      if round % 3 == 0 { raw.removeLast(Int.random(in: 1...raw.count, using: &generator)) }
      guard let frame = try? Frame(raw: raw, wordLimit: 8) else { continue }
      for document in frame.documents {
        try #require(frame.withText(document.text) { TextValidation.firstInvalidByte(in: $0) } == nil)
        let lengths = (0..<document.words).map { frame.wordLength(document.firstWord + $0) }
        try #require(lengths.reduce(0, +) == document.text.count && lengths.allSatisfy { 1...8 ~= $0 })
        _ = try? frame.metadata(of: document)
      }
    }
  }
}
