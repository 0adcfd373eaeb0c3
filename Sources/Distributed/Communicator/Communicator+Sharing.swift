import Foundation

extension Communicator {
  /// Does `work` on rank 0, and returns what came of it on every rank; when it failed, every rank throws that error.
  /// - Throws: `AgreedFailure`.
  public func onFirstRank<Value: Codable>(_ work: () throws -> Value) throws -> Value {
    let encoded = try together { rank == 0 ? try JSONEncoder().encode(try work()) : Data() }
    let pieces = try encoded.withUnsafeBytes { try allGather($0) }
    return try JSONDecoder().decode(Value.self, from: Data(pieces[0]))
  }
}
