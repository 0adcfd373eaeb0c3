import Testing

@testable import HATText

@Suite struct TextValidationTests {
  @Test func findsTheFirstInvalidByte() {
    #expect(TextValidation.firstInvalidByte(in: Array("aé中🙂".utf8)) == nil)
    #expect(TextValidation.firstInvalidByte(in: []) == nil)
    let cases: [(bytes: [UInt8], at: Int)] = [
      ([0x61, 0xFF], 1), ([0xC0, 0x80], 0), ([0x61, 0x62, 0x80], 2), ([0xE2, 0x80], 0),
      ([0xED, 0xA0, 0x80], 0),
      ([0xF4, 0x90, 0x80, 0x80], 0), ([0xF0, 0x80, 0x80, 0x80], 0), ([0x61, 0xE2, 0x82, 0x61], 1),
      ([0xFE], 0),
    ]
    for (bytes, offset) in cases { #expect(TextValidation.firstInvalidByte(in: bytes) == offset) }
  }

  @Test func agreesWithTheStandardLibraryOnRandomBytes() throws {
    var generator = TextGenerator(seed: 3)
    for _ in 0..<20_000 {
      var bytes = generator.text(scalars: 3)
      bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      let isValid = String(validating: bytes, as: UTF8.self) != nil
      try #require((TextValidation.firstInvalidByte(in: bytes) == nil) == isValid)
      let repaired = bytes.withUnsafeBufferPointer { TextValidation.replacingInvalid($0) }
      try #require(TextValidation.firstInvalidByte(in: repaired) == nil)
      if isValid { try #require(repaired == bytes) }
    }
  }

  @Test func replacesMaximalSubparts() {
    let bytes: [UInt8] = [0x61, 0xF1, 0x80, 0x80, 0xE1, 0x80, 0xC2, 0x62, 0x80, 0x63]
    let repaired = bytes.withUnsafeBufferPointer { TextValidation.replacingInvalid($0) }
    #expect(String(decoding: repaired, as: UTF8.self) == "a\u{FFFD}\u{FFFD}\u{FFFD}b\u{FFFD}c")
  }
}
