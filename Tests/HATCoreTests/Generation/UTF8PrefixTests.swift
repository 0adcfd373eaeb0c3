import HATCore
import Testing

@Suite struct UTF8PrefixTests {
  @Test func allowsExactlyTheBytesOfValidScalars() {
    for value in UInt32(0)...0x10FFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      if value > 0x900 && value % 61 != 0 && value < 0xD700 || value > 0x11000 && value % 1021 != 0 {
        continue
      }
      var prefix = UTF8Prefix()
      for byte in String(scalar).utf8 {
        #expect(prefix.allows(byte))
        prefix.append(byte)
      }
      #expect(prefix.isAtBoundary)
    }
    for invalid: [UInt8] in [
      [0xC0], [0xC1], [0xF5], [0xFF], [0x80], [0xED, 0xA0], [0xE0, 0x9F], [0xF4, 0x90],
    ] {
      var prefix = UTF8Prefix()
      for byte in invalid.dropLast() { prefix.append(byte) }
      #expect(!prefix.allows(invalid.last!))
    }
  }
}
