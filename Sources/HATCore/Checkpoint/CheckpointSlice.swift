import HATStorage

/// What a checkpoint holds of every parameter, in the order of a slice file.
public enum CheckpointSection: String, CaseIterable, Sendable, Codable {
  case parameters
  case firstMoments
  case secondMoments
}

/// One slice file as the manifest lists it.
public struct CheckpointSlice: Codable, Sendable, Equatable {
  public var file: String
  /// The first float of the flat buffer it holds.
  public var start: Int
  /// Floats of each section.
  public var count: Int
  /// Bytes of the file.
  public var length: Int
  /// XXH3 of the sections' bytes, in the order of `CheckpointSection`.
  public var checksums: [Checksum]

  public var range: Range<Int> { start..<start + count }

  public func checksum(of section: CheckpointSection) -> Checksum {
    checksums[section.index]
  }
}

extension CheckpointSection {
  /// Its place in a slice file.
  var index: Int { Self.allCases.firstIndex(of: self)! }
}
