import Foundation

/// Where a rank runs, and what it may use there.
public struct RankPlacement: Codable, Sendable, Equatable {
  public var rank: Int
  public var node: String
  /// The hardware threads it is bound to, such as `0-3,8`.
  public var cores: String
  /// It computes with.
  public var threads: Int
  /// Bytes it is expected to hold.
  public var memory: Int

  /// - Parameter memory: `RankMemory.total`.
  /// - Returns: where every rank is, in their order, on every rank.
  /// - Throws: `CommunicationFailure`.
  public static func gather(
    _ communicator: any Communicator, threads: Int, memory: Int
  ) throws -> [RankPlacement] {
    let own = RankPlacement(
      rank: communicator.rank, node: NodeName.current, cores: ProcessorCores.allowedList(), threads: threads,
      memory: memory)
    let pieces = try JSONEncoder().encode(own).withUnsafeBytes { try communicator.allGather($0) }
    return try pieces.map { try JSONDecoder().decode(RankPlacement.self, from: Data($0)) }
  }
}
