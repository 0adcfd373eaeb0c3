/// Who owns which part of the flat parameter buffer.
///
/// The buffer is cut into blocks of 4096 floats whose places do not depend on the rank count; a rank owns a run
/// of whole blocks (none, when there are more ranks than blocks).
public struct SliceTable: Sendable, Equatable {
  /// Floats of a block; the last one of a buffer may be shorter.
  public static let blockLength = 4096

  /// Floats in the whole buffer.
  public let count: Int
  /// The blocks each rank owns.
  public let blocks: RankPartition
  /// The floats each rank owns.
  public let slices: RankPartition

  public init(count: Int, ranks: Int) {
    precondition(count >= 0 && ranks > 0)
    self.count = count
    let blockCount = (count + Self.blockLength - 1) / Self.blockLength
    blocks = RankPartition(count: blockCount, ranks: ranks)
    slices = RankPartition(
      blocks.ranges.map {
        min(count, $0.lowerBound * Self.blockLength)..<min(count, $0.upperBound * Self.blockLength)
      })
  }

  public var rankCount: Int { slices.ranges.count }
  public var blockCount: Int { (count + Self.blockLength - 1) / Self.blockLength }

  /// The floats of one block.
  public func floats(ofBlock block: Int) -> Range<Int> {
    block * Self.blockLength..<min(count, (block + 1) * Self.blockLength)
  }

  /// The longest slice, in floats.
  public var longestSlice: Int { slices.ranges.map(\.count).max() ?? 0 }
}
