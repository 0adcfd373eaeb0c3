/// A part of a step, or a collective inside one.
public enum RankOperation: UInt64, Sendable, CaseIterable, Codable {
  case data
  case computation
  case reduction
  case update
  case barrier
  case broadcast
  case allGather
  case allGatherInPlace
  case exchange
  case nodeBarrier
  case allocateNodeMemory
  case agreement

  /// Whether it waits for other ranks.
  var isCollective: Bool { rawValue >= RankOperation.barrier.rawValue }
}
