import HATRandom
import HATStorage

/// Chooses the documents that are kept from training by their content, so that equal documents are on the
/// same side, in this corpus and in every other.
struct HoldoutRule: Sendable {
  /// Documents whose hash is below it are held out.
  private let threshold: UInt64

  /// - Parameter share: 0 to below 1.
  init(share: Double) {
    precondition(0..<1 ~= share)
    threshold = UInt64(share * 0x1p64)
  }

  /// - Parameter checksum: of the text, or of what stands for it (`MarkedText.holdoutKey`).
  func part(ofTextWith checksum: Checksum) -> CorpusPart {
    RandomSource.mix(checksum.value ^ Self.seed) < threshold ? .holdout : .train
  }

  /// Any number would do, but it may never change: a corpus made later must not train on this one's holdout.
  private static let seed: UInt64 = 0x686F_6C64_6F75_7421
}
