import CAMX
import CBrainFloat
import CSIMD
import CWide

/// What this processor offers the kernels.
public enum Processor {
  /// The name of an instruction set that the kernels are compiled for and this processor lacks, or `nil` if it has all
  /// of them (AVX2, FMA and F16C). Check this at start-up: without them the first kernel is an illegal instruction.
  public static func missingFeature() -> String? {
    let features = Int(hat_processor_features())
    let needed: [(Int, String)] = [
      (Int(HAT_HAS_AVX), "AVX"), (Int(HAT_HAS_AVX2), "AVX2"), (Int(HAT_HAS_FMA), "FMA"),
      (Int(HAT_HAS_F16C), "F16C"),
    ]
    return needed.first { features & $0.0 == 0 }?.1
  }

  /// Whether it multiplies tiles of bfloat16 (Intel AMX, in Xeons from the fourth generation on), and the operating
  /// system lets this process use them (Linux 5.16 and later).
  public static let hasMatrixTiles = hat_tiles_available()

  /// Whether it multiplies pairs of bfloat16 on registers (AVX512-BF16: AMD's since Zen 4, some of Intel's).
  public static let hasBrainFloatPairs = hat_pairs_available()

  /// Whether it has registers of sixteen floats (AVX-512).
  static let hasWideRegisters = hat_wide_available()
}

/// The registers that elementwise kernels run on. Either does the same operations in the same order, and so gives the
/// same bits.
public enum Registers: Sendable {
  /// AVX2, which is required.
  case eightFloats
  /// AVX-512.
  case sixteenFloats

  /// The widest registers of this processor.
  public static let widest: Registers = Processor.hasWideRegisters ? .sixteenFloats : .eightFloats

  /// How many of `count` floats, from the first on, fill whole registers of sixteen; 0 if those are not used.
  @inline(__always)
  func wideCount(_ count: Int) -> Int {
    self == .sixteenFloats ? count & ~15 : 0
  }
}
