import CAMX
import CSIMD
import CWide

/// What the kernels need of the machine.
public enum Processor {
  /// The name of an instruction set the kernels are compiled for and this processor lacks, or `nil` when it
  /// has all of them (AVX2, FMA and F16C). Check at start-up: without them the first kernel is an illegal
  /// instruction.
  public static func missingFeature() -> String? {
    let features = Int(hat_processor_features())
    let needed: [(Int, String)] = [
      (Int(HAT_HAS_AVX), "AVX"), (Int(HAT_HAS_AVX2), "AVX2"), (Int(HAT_HAS_FMA), "FMA"),
      (Int(HAT_HAS_F16C), "F16C"),
    ]
    return needed.first { features & $0.0 == 0 }?.1
  }

  /// Whether it multiplies tiles of bfloat16 (Intel AMX, from the fourth generation of Xeon on) and the operating system
  /// lets this process: Linux 5.16 and later.
  public static let hasMatrixTiles = hat_tiles_available()

  /// Whether it has registers of sixteen floats (AVX-512).
  static let hasWideRegisters = hat_wide_available()
}
