import HATStorage

/// Documents that were changed on their way in, or left out.
public struct LeftOutCounts: Sendable, Codable, Equatable {
  /// Left out because they have no text.
  public var empty = 0
  /// Left out because they are not UTF-8.
  public var invalid = 0
  /// Left out because an earlier document has the same text.
  public var duplicate = 0
  /// Kept, with U+FFFD where they were not UTF-8.
  public var repaired = 0

  static func += (left: inout Self, right: Self) {
    left.empty += right.empty
    left.invalid += right.invalid
    left.duplicate += right.duplicate
    left.repaired += right.repaired
  }
}

/// What came of a unit of work. It is written after the unit's shards, so that a unit with a record is finished.
struct UnitRecord: Codable {
  var group: Int
  var slice: Int
  /// About how much of the input on the disk it was.
  var inputBytes: Int
  /// How many records of input; none where one that began before reaches past the whole slice.
  var records: Int
  /// Of the unit's records as they were read.
  var inputChecksum: Checksum
  var train: ShardSummary?
  var holdout: ShardSummary?
  var leftOut = LeftOutCounts()

  var unit: WorkUnit { WorkUnit(group: group, slice: slice) }

  func shard(_ part: CorpusPart) -> ShardSummary? {
    switch part {
    case .train: train
    case .holdout: holdout
    }
  }

  var shardBytes: Int { (train?.fileBytes ?? 0) + (holdout?.fileBytes ?? 0) }
}

extension UnitRecord {
  /// Of a whole input, from the checksums of the units that have records.
  static func inputsFingerprint(_ units: [(WorkUnit, Checksum)]) -> Checksum {
    var bytes: [UInt8] = []
    for (unit, checksum) in units {
      bytes.appendLittleEndian(UInt64(unit.group))
      bytes.appendLittleEndian(UInt64(unit.slice))
      bytes.appendLittleEndian(checksum.value)
    }
    return Checksum(of: bytes)
  }
}
