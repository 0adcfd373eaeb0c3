import HATCore

/// Floats that must have one owner.
public struct WholeRange: Sendable, Equatable {
  public let floats: Range<Int>
  /// The work of updating them; that of updating other floats is 1 each.
  public let cost: Double

  public init(floats: Range<Int>, cost: Double) { (self.floats, self.cost) = (floats, cost) }
}

/// The flat parameter buffer cut into blocks of 4096 floats, starting at each unit of the model and at each tensor that must
/// have one owner. The floats of each block are computed: the largest models have more blocks than fit into memory.
public struct FloatBlocks: RandomAccessCollection, Sendable, Equatable {
  /// Floats per block; the last block of a unit or tensor may be shorter.
  public static let length = 4096

  /// Neighbouring floats that begin with a block.
  struct Stretch: Sendable, Equatable {
    let floats: Range<Int>
    /// The number of its first block.
    let first: Int
    /// The work of updating it where it must have one owner.
    let wholeCost: Double?

    /// The number behind that of its last block.
    var end: Int { first + (floats.count + FloatBlocks.length - 1) / FloatBlocks.length }
  }

  /// Of each unit.
  let units: [ArraySlice<Stretch>]
  let stretches: [Stretch]

  /// - Parameters:
  ///   - units: the whole buffer, cut at the ends of the model's units.
  ///   - wholes: what must have one owner, ascending, each inside a unit.
  init(units: [Range<Int>], wholes: [WholeRange]) {
    precondition(zip(units, units.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
    var stretches: [Stretch] = []
    var ends = [0]
    for unit in units {
      for (floats, cost) in Self.parts(of: unit, wholes) {
        stretches.append(Stretch(floats: floats, first: stretches.last?.end ?? 0, wholeCost: cost))
      }
      ends.append(stretches.count)
    }
    self.stretches = stretches
    self.units = zip(ends, ends.dropFirst()).map { stretches[$0..<$1] }
  }

  /// Cuts a unit into ranges that may be cut at blocks, which have no cost of their own, and ranges that must not be cut.
  private static func parts(
    of unit: Range<Int>, _ wholes: [WholeRange]
  ) -> [(floats: Range<Int>, cost: Double?)] {
    var parts: [(floats: Range<Int>, cost: Double?)] = []
    var end = unit.lowerBound
    for whole in wholes where unit.overlaps(whole.floats) {
      precondition(whole.floats.lowerBound >= end && whole.floats.upperBound <= unit.upperBound)
      if end < whole.floats.lowerBound { parts.append((end..<whole.floats.lowerBound, nil)) }
      parts.append((whole.floats, whole.cost))
      end = whole.floats.upperBound
    }
    if end < unit.upperBound { parts.append((end..<unit.upperBound, nil)) }
    return parts
  }

  public var startIndex: Int { 0 }
  public var endIndex: Int { stretches.last?.end ?? 0 }

  /// The floats of a block.
  public subscript(block: Int) -> Range<Int> {
    let stretch = stretches[stretches.firstIndex(behind: { $0.end <= block })]
    let start = stretch.floats.lowerBound + (block - stretch.first) * Self.length
    return start..<Swift.min(start + Self.length, stretch.floats.upperBound)
  }

  /// The blocks that make up a range of floats.
  func numbers(of floats: Range<Int>) -> Range<Int> {
    number(startingAt: floats.lowerBound)..<number(startingAt: floats.upperBound)
  }

  private func number(startingAt float: Int) -> Int {
    let index = stretches.firstIndex(behind: { $0.floats.upperBound <= float })
    guard index < stretches.count else { return endIndex }
    return stretches[index].first + (float - stretches[index].floats.lowerBound) / Self.length
  }
}
