import CBuild
import HATCore
import HATDistributed
import HATKernels

/// What `--version` says: the program, and what its results and its speed depend on besides.
package enum ProgramVersion {
  package static var text: String {
    """
    hat \(CodeVersion.current)
    commit: \(commit ?? "unknown (HAT_COMMIT was not set when hat was built)")
    MPI: \(MPIRelease.library.text)
    processor: \(processor)
    """
  }

  /// Of the sources, where the build was told.
  package static var commit: String? {
    let text = String(cString: hat_build_commit())
    return text.isEmpty ? nil : text
  }

  private static var processor: String {
    if let feature = Processor.missingFeature() { return "without \(feature), which hat needs" }
    let wide = Registers.widest == .sixteenFloats ? ", AVX-512" : ""
    let pairs = Processor.hasBrainFloatPairs ? ", AVX512-BF16" : ""
    return "AVX2, FMA\(wide)\(pairs)\(Processor.hasMatrixTiles ? ", AMX" : "")"
  }
}
