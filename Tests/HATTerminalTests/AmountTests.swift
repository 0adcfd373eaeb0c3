import Testing

@testable import HATTerminal

@Suite struct AmountTests {
  @Test func oneThingIsNotSeveral() {
    #expect(Amount.counted(1, "document") == "1 document")
    #expect(Amount.counted(0, "document") == "0 documents")
    #expect(Amount.counted(1234, "document") == "1,234 documents")
  }

  @Test func durationsAreThoseOfAnyNumber() {
    #expect(
      [59.9, 60, 3600, 12300].map(Amount.duration) == ["59 s", "1 min 0 s", "1 h 0 min", "3 h 25 min"])
    #expect([-1e30, Double.nan, -Double.infinity].map(Amount.duration) == ["0 s", "0 s", "0 s"])
    #expect(Amount.duration(.infinity) == Amount.duration(1e9))
  }

  @Test func bytesHaveTheirUnit() {
    #expect([0, 999, 1000, 1_500_000].map { Amount.bytes(Int($0)) } == ["0 B", "999 B", "1.0 kB", "1.5 MB"])
    #expect(Amount.grouped(-1234) == "-1,234" && Amount.grouped(123) == "123")
  }

  @Test func sizesAreReadAndShownWithUnits() {
    #expect(["4096", "64KiB", "2GB"].map { ByteSize(argument: $0)?.bytes } == [4096, 65_536, 2_000_000_000])
    for text in [
      "24", "0MiB", "-1MiB", "1.5MiB", "9223372036854775807KiB", "99999999999999999999", "1 MiB", "",
    ] {
      #expect(ByteSize(argument: text) == nil, "\(text)")
    }
    #expect(
      [1 << 20, 128 << 10, 1000].map { ByteSize(bytes: $0).defaultValueDescription } == [
        "1MiB", "128KiB", "1000",
      ]
    )
  }
}
