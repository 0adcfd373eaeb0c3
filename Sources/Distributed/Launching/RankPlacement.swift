import HATStorage

/// Where a rank runs, and what it uses there.
public struct RankPlacement: Codable, Sendable, Equatable {
  public var rank: Int
  public var node: String
  /// The hardware threads it is bound to, such as `0-3,8`.
  public var cores: String
  /// How many it computes with.
  public var threads: Int
  /// Bytes it is expected to need.
  public var memory: Int

  /// - Parameter memory: `RankMemory.total`.
  /// - Returns: the placement of every rank, in rank order, on every rank.
  public static func gather(
    _ communicator: any Communicator, threads: Int, memory: Int
  ) throws -> [RankPlacement] {
    try communicator.allGather(
      RankPlacement(
        rank: communicator.rank, node: NodeName.current, cores: ProcessorCores.allowedList(),
        threads: threads, memory: memory))
  }
}
