import HATText

/// Ranks that preprocess a corpus together.
public struct RankWorkSharing: WorkSharing {
  private let communicator: any Communicator

  public init(_ communicator: any Communicator) { self.communicator = communicator }

  /// `mpirun` passes it on to rank 0.
  public var hasStandardInput: Bool { communicator.rank == 0 }

  public func once<Value: Codable>(_ work: () throws -> Value) throws -> Value {
    try communicator.onFirstRank(work)
  }

  public func together(_ work: () throws -> Void) throws {
    try communicator.together(work)
  }
}
