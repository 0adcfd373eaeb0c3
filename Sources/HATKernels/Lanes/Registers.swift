/// The registers that elementwise kernels run on: the same operations in the same order, and so the same bits.
public enum Registers: Sendable {
  /// AVX2, which every processor here has.
  case eightFloats
  /// AVX-512.
  case sixteenFloats

  /// The widest this processor has.
  public static let widest: Registers = Processor.hasWideRegisters ? .sixteenFloats : .eightFloats

  /// How many of `count` floats lie in whole registers of sixteen, from the first on; none where those are not used.
  @inline(__always)
  func wideCount(_ count: Int) -> Int {
    self == .sixteenFloats ? count & ~15 : 0
  }
}
