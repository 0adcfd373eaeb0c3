import Testing

@testable import HATTerminal

@Suite struct AmountTests {
  @Test func oneThingIsNotSeveral() {
    #expect(Amount.counted(1, "document") == "1 document")
    #expect(Amount.counted(0, "document") == "0 documents")
    #expect(Amount.counted(1234, "document") == "1,234 documents")
  }
}
