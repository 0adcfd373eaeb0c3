import CAMX
import CBrainFloat
import CSIMD
import CWide
import HATStorage

/// What this processor offers the kernels.
public enum Processor {
  /// The name of an instruction set that the kernels are compiled for and this processor lacks, or `nil` if it has all
  /// of them (AVX2 and FMA).
  public static func missingFeature() -> String? {
    let features = Int(hat_processor_features())
    let needed: [(Int, String)] = [
      (Int(HAT_HAS_AVX), "AVX"), (Int(HAT_HAS_AVX2), "AVX2"), (Int(HAT_HAS_FMA), "FMA"),
    ]
    return needed.first { features & $0.0 == 0 }?.1
  }

  /// To be called at start-up: where something is missing, the first kernel is an illegal instruction.
  /// - Throws: `UserError` of kind `configuration` that names what is missing.
  public static func require() throws {
    guard let feature = missingFeature() else { return }
    throw UserError(
      .configuration, "this processor has no \(feature)", hint: "Use a machine with AVX2 and FMA.")
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
