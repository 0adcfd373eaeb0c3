import Testing

@testable import HATTerminal

@Suite struct ProgressLineTests {
  private static let parts: [ProgressLine.Part] = [
    .init(.title, "training"), .init(.bar, "[====    ]"), .init(.share, "50%"),
    .init(.amount, "5 of 10 steps"), .init(.rate, "2.00/s"), .init(.timeLeft, "2 s left"),
    .init(.note, "1.500 bits/byte"), .init(.note, "loss 2.000"),
  ]

  @Test func aWideTerminalShowsEverything() {
    #expect(
      ProgressLine.line(Self.parts, width: 120)
        == "training  [====    ]  50%  5 of 10 steps  2.00/s  2 s left  1.500 bits/byte  loss 2.000")
  }

  @Test(arguments: 1...120) func aLineIsShorterThanTheTerminal(width: Int) {
    let line = ProgressLine.line(Self.parts, width: width)
    #expect(line.count < width)
    #expect(width <= "training".count || line.hasPrefix("training"))
  }

  @Test func theBarGoesFirstThenTheLastNote() {
    #expect(
      ProgressLine.line(Self.parts, width: 80)
        == "training  50%  5 of 10 steps  2.00/s  2 s left  1.500 bits/byte  loss 2.000")
    #expect(
      ProgressLine.line(Self.parts, width: 70)
        == "training  50%  5 of 10 steps  2.00/s  2 s left  1.500 bits/byte")
    #expect(ProgressLine.line(Self.parts, width: 20) == "training  50%")
  }
}
