import HATDistributed
import HATText

/// Ranks that make a corpus together.
struct RankWorkSharing: WorkSharing {
  let communicator: any Communicator

  /// `mpirun` passes it on to rank 0.
  var hasStandardInput: Bool { communicator.rank == 0 }

  func once<Value: Codable>(_ work: () throws -> Value) throws -> Value {
    try communicator.onFirstRank(work)
  }

  func together(_ work: () throws -> Void) throws {
    try communicator.together(work)
  }
}
