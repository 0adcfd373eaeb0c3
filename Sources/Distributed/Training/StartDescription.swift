import HATCore
import HATStorage

/// Which checkpoint a run took its first parameters from.
public struct StartDescription: Sendable, Equatable, Codable {
  /// As it was named.
  public var checkpoint: String
  public var step: Int
  /// Of its parameters.
  public var checksum: Checksum

  public init(_ checkpoint: CheckpointReader, named name: String) {
    self.checkpoint = name
    step = checkpoint.manifest.step
    checksum = checkpoint.manifest.parameterChecksum
  }

  /// A folder may have moved: what counts are the parameters.
  func isSame(as other: StartDescription) -> Bool { checksum == other.checksum }
}
