/// The transport, or another rank, failed: nothing the person running hat did wrong.
public struct CommunicationFailure: Error, Sendable, Equatable, CustomStringConvertible {
  public var description: String

  public init(_ description: String) {
    self.description = description
  }
}

/// A failure every rank knows of and throws, so that one of them can speak for all.
public struct AgreedFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// The lowest rank on which the work failed.
  public var rank: Int
  public var cause: SharedError

  public var description: String { cause.description }
}
